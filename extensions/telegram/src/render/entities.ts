import type { MessageEntity } from "grammy/types";
import type { Part } from "openclaw-host-sdk";

/** The formatting this channel writes. Offsets and lengths count UTF-16 code units, as JavaScript strings do. */
export type Entity = { readonly offset: number; readonly length: number } & Style;

/** Formatting without its place. */
export type Style =
  | { readonly type: "bold" | "italic" | "strikethrough" | "blockquote" | "code" }
  | { readonly type: "pre"; readonly language?: string }
  | { readonly type: "text_link"; readonly url: string };

/** A text and its formatting. */
export interface Marked {
  readonly text: string;
  readonly entities: readonly MessageEntity[];
}

/** What `Part.native` holds; the host stores it and hands it back. */
export interface Native {
  readonly entities: readonly MessageEntity[];
}

/** Text and formatting of a part that `render` made. */
export function markedOf(part: Part): Marked {
  const native = part.native as Native | undefined;
  return { text: part.text ?? "", entities: native?.entities ?? [] };
}

const end = (entity: MessageEntity): number => entity.offset + entity.length;

/** True for formatting that shares its characters with nothing but a surrounding quote. */
const isCode = (entity: MessageEntity): boolean => entity.type === "code" || entity.type === "pre";

/**
 * Makes properly nested formatting fit Telegram's rules (https://core.telegram.org/bots/api#formatting-options): nothing
 * empty, nothing inside itself, and code shares its characters with nothing but a quote. Sorted, outer before inner.
 */
export function tidy(entities: readonly Entity[]): Entity[] {
  const codes = entities.filter(isCode);
  const pieces = entities.flatMap((entity) =>
    isCode(entity) || entity.type === "blockquote" ? [entity] : codes.reduce(without, [entity]),
  );
  const sorted = pieces.filter((piece) => piece.length > 0).sort((a, b) => a.offset - b.offset || b.length - a.length);
  const kept: Entity[] = [];
  for (const piece of sorted) {
    const inItself = kept.some(
      (outer) => outer.type === piece.type && end(outer) >= end(piece) && outer.offset <= piece.offset,
    );
    if (!inItself) kept.push(piece);
  }
  return kept;
}

/** The pieces with the hole's characters taken out of each. */
const without = (pieces: Entity[], hole: Entity): Entity[] =>
  pieces.flatMap((piece) => [
    ...clip(piece, { from: piece.offset, to: hole.offset }),
    ...clip(piece, { from: end(hole), to: end(piece) }),
  ]);

/** From the first character up to, not including, `to`. */
interface Range {
  readonly from: number;
  readonly to: number;
}

/** The part of an entity inside the range, or nothing. */
function clip<E extends MessageEntity>(entity: E, { from, to }: Range): E[] {
  const start = Math.max(entity.offset, from);
  const length = Math.min(end(entity), to) - start;
  return length > 0 ? [{ ...entity, offset: start, length }] : [];
}

/** A stretch of a marked text as a text of its own; formatting that crosses its borders goes on inside it. */
export function cut(marked: Marked, range: Range): Marked {
  return {
    text: marked.text.slice(range.from, range.to),
    entities: marked.entities.flatMap((entity) =>
      clip(entity, range).map((piece) => ({ ...piece, offset: piece.offset - range.from })),
    ),
  };
}
