import { type TextUnit, graphemeBoundary, measure, prefixEnd } from "./measure.ts";

export interface SplitOptions {
  /** Longest chunk, in `unit`. */
  readonly limit: number;
  readonly unit: TextUnit;
  /** Longest first chunk, when it is shorter than the others (a caption). */
  readonly firstLimit?: number;
}

/** A code block that is open at some place of a text. */
interface Fence {
  /** The opening line, e.g. "```ts". */
  readonly opener: string;
  /** What closes it, e.g. "```". */
  readonly marker: string;
}

/** Below this, the lines that close and reopen a code block would eat the chunk. */
const MIN_FENCED_LIMIT = 32;
/** A longer opening line is reopened by its marker alone. */
const MAX_OPENER_UNITS = 16;
/** A chunk is filled at least to this part before a mere word end is preferred to a better place. */
const MIN_FILL = 0.4;

/** Source of the rule: https://spec.commonmark.org/0.31.2/#fenced-code-blocks */
const FENCE_LINE = /^ {0,3}(`{3,}(?!`)|~{3,}(?!~))([^\n]*)$/;

/** The code block that is open after one more line. */
function afterLine(line: string, open: Fence | undefined): Fence | undefined {
  const [, marker, rest = ""] = FENCE_LINE.exec(line) ?? [];
  if (marker === undefined) return open;
  const info = rest.trim();
  if (open !== undefined) {
    const closes = info === "" && marker.length >= open.marker.length && marker.startsWith(open.marker.charAt(0));
    return closes ? undefined : open;
  }
  if (marker.startsWith("`") && info.includes("`")) return undefined;
  return { opener: line.length > MAX_OPENER_UNITS ? marker : line, marker };
}

/** The code block that is open after `text`, given the one that was open before it. */
function fenceAfter(text: string, before: Fence | undefined): Fence | undefined {
  let open = before;
  for (const line of text.split("\n")) open = afterLine(line, open);
  return open;
}

/** Where a reader would pause, best first. Each finds the end of the last such place in a window. */
const BREAKS: readonly RegExp[] = [/\n[ \t]*\n+/g, /\n/g, /[.!?…。！？][)\]"'”’»]*\s+/g];

function lastBreak(window: string, pattern: RegExp, from: number): number | undefined {
  let end: number | undefined;
  for (const match of window.matchAll(pattern)) {
    const at = match.index + match[0].length;
    if (at >= from) end = at;
  }
  return end;
}

function wordBreak(window: string): number | undefined {
  for (let index = window.length; index > 0; index -= 1) {
    if (/\s/.test(window.charAt(index - 1))) return index;
  }
  return undefined;
}

function spaceAfter(text: string, index: number): number {
  let length = 0;
  while (/\s/.test(text.charAt(index + length))) length += 1;
  return length;
}

/** Index at which to cut `text` so that the first piece fits: a paragraph's, line's, sentence's or word's end. */
function cutAt(text: string, limit: number, unit: TextUnit): number {
  const end = prefixEnd(text, limit, unit);
  if (end >= text.length) return text.length;
  // White space at a cut is dropped, so a piece may fill the limit exactly and be followed by it.
  const window = text.slice(0, end + spaceAfter(text, end));
  for (const pattern of BREAKS) {
    const at = lastBreak(window, pattern, Math.max(1, Math.floor(end * MIN_FILL)));
    if (at !== undefined) return at;
  }
  const word = wordBreak(window);
  if (word !== undefined && window.slice(0, word).trim() !== "") return word;
  return graphemeBoundary(text, end);
}

interface Piece {
  readonly chunk: string;
  readonly rest: string;
  readonly fence: Fence | undefined;
}

/** A block that would open on a chunk's last line opens in the next chunk instead. */
function beforeOpener(head: string, cut: number): number {
  const lineStart = head.lastIndexOf("\n") + 1;
  return lineStart > 0 && FENCE_LINE.test(head.slice(lineStart)) ? lineStart : cut;
}

/** What follows a cut: text without leading white space, or code without the rest of a blank line. */
function afterCut(rest: string, fence: Fence | undefined): Pick<Piece, "rest" | "fence"> {
  if (fence === undefined) return { rest: rest.trimStart(), fence };
  const code = rest.replace(/^[ \t]*\n/, "");
  const lineEnd = code.indexOf("\n");
  const firstLine = lineEnd === -1 ? code : code.slice(0, lineEnd);
  if (fenceAfter(firstLine, fence) !== undefined) return { rest: code, fence };
  return { rest: code.slice(firstLine.length).trimStart(), fence: undefined };
}

/** Takes one chunk off a text that is too long; `open` is the code block the text starts in. */
function takeFenced(text: string, limit: number, context: { unit: TextUnit; open: Fence | undefined }): Piece {
  const { unit, open } = context;
  const prefix = open === undefined ? "" : `${open.opener}\n`;
  const room = limit - measure(prefix, unit);
  let cut = cutAt(text, room, unit);
  let fence = fenceAfter(text.slice(0, cut), open);
  if (fence !== undefined) {
    cut = cutAt(text, Math.max(1, room - measure(`\n${fence.marker}`, unit)), unit);
    if (open === undefined) cut = beforeOpener(text.slice(0, cut).trimEnd(), cut);
    fence = fenceAfter(text.slice(0, cut), open);
  }
  const suffix = fence === undefined ? "" : `\n${fence.marker}`;
  return { chunk: `${prefix}${text.slice(0, cut).trimEnd()}${suffix}`, ...afterCut(text.slice(cut), fence) };
}

function takePlain(text: string, limit: number, unit: TextUnit): Piece {
  const cut = cutAt(text, limit, unit);
  return { chunk: text.slice(0, cut).trimEnd(), rest: text.slice(cut).trimStart(), fence: undefined };
}

function takePiece(text: string, limit: number, context: { unit: TextUnit; open: Fence | undefined }): Piece {
  if (limit < MIN_FENCED_LIMIT) return takePlain(text, limit, context.unit);
  const piece = takeFenced(text, limit, context);
  return measure(piece.chunk, context.unit) <= limit ? piece : takePlain(text, limit, context.unit);
}

/**
 * Splits a text into chunks of at most `limit`, at the ends of paragraphs, lines, sentences or words, and only when there is
 * none of them between graphemes. White space at a cut is dropped. A code block that is cut is closed and opened again,
 * unless the limit is too small for that. Blank text gives no chunk.
 */
export function splitText(text: string, options: SplitOptions): string[] {
  const { unit } = options;
  const chunks: string[] = [];
  let rest = text.trim() === "" ? "" : text.trimEnd();
  let open: Fence | undefined;
  let limit = Math.max(1, options.firstLimit ?? options.limit);
  while (rest !== "") {
    const whole = open === undefined ? rest : `${open.opener}\n${rest}`;
    if (prefixEnd(whole, limit, unit) === whole.length) {
      chunks.push(whole);
      break;
    }
    const piece = takePiece(rest, limit, { unit, open });
    if (piece.chunk !== "") chunks.push(piece.chunk);
    rest = piece.rest;
    open = piece.fence;
    limit = Math.max(1, options.limit);
  }
  return chunks;
}
