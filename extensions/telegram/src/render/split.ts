import { type Marked, cut } from "./entities.ts";

/** Telegram ignores formatting beyond the hundredth entity: https://limits.tginfo.me/en, "Formatting entities" */
const MAX_ENTITIES = 100;
/** Good places to part a text, best first: between paragraphs, lines, words. */
const SEAMS = ["\n\n", "\n", " "];
/** How far back from the limit a seam may lie before a worse one is taken, as a fraction of the limit. */
const EARLIEST = 0.5;
/** Long enough to hold any emoji sequence in use, UTF-16 code units. */
const CLUSTER_WINDOW = 64;

/**
 * Parts a text so that no piece is longer than `limit` UTF-16 code units or has more entities than Telegram heeds. Pieces
 * follow each other without loss (only pieces of nothing but white space, which Telegram refuses, are left out), and
 * formatting goes on across the cuts: a code block stays a code block in every piece.
 */
export function splitMarked(marked: Marked, limit: number): Marked[] {
  const pieces: Marked[] = [];
  for (let from = 0; from < marked.text.length;) {
    const to = pieceEnd(marked, { from, limit });
    pieces.push(cut(marked, { from, to }));
    from = to;
  }
  return pieces.filter((piece) => piece.text.trim() !== "");
}

/** Where the piece that starts at `from` ends: the limit, the hundredth entity, or a seam before either. */
function pieceEnd(marked: Marked, { from, limit }: { from: number; limit: number }): number {
  const rest = marked.text.length - from;
  const longest = from + Math.min(rest, limit);
  const inside = marked.entities.filter(({ offset, length }) => offset + length > from && offset < longest);
  const surplus = inside[MAX_ENTITIES];
  const latest = surplus === undefined ? longest : Math.max(from + 1, surplus.offset);
  return latest === marked.text.length ? latest : seamBefore(marked.text, { from, to: latest });
}

/** The best seam in the second half of the stretch. */
function seamBefore(text: string, { from, to }: { from: number; to: number }): number {
  const earliest = from + Math.floor((to - from) * EARLIEST);
  for (const seam of SEAMS) {
    // The seam itself stays with the earlier piece, whose trailing white space Telegram trims.
    const at = text.lastIndexOf(seam, to - seam.length);
    if (at >= earliest && at > from) return at + seam.length;
  }
  return clusterBefore(text, { from, to });
}

const clusters = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** The last place at or before `to` that does not tear an emoji, an accent or a surrogate pair apart. */
function clusterBefore(text: string, { from, to }: { from: number; to: number }): number {
  const start = Math.max(from, to - CLUSTER_WINDOW);
  const torn = clusters.segment(text.slice(start, to + CLUSTER_WINDOW)).containing(to - start);
  const at = start + (torn?.index ?? to - start);
  if (at > from) return at;
  const low = text.charCodeAt(to);
  return low >= 0xdc00 && low <= 0xdfff && to - 1 > from ? to - 1 : to;
}
