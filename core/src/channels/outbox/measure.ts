import type { Capabilities } from "openclaw-host-sdk";

/** How a platform counts text. */
export type TextUnit = Capabilities["text"]["unit"];

/** Length of `text` in the platform's unit. */
export function measure(text: string, unit: TextUnit): number {
  switch (unit) {
    case "utf16":
      return text.length;
    case "bytes":
      return Buffer.byteLength(text);
    case "codepoints": {
      let count = 0;
      for (let index = 0; index < text.length; index += codePointUnits(text, index)) count += 1;
      return count;
    }
  }
}

/** 2 for a surrogate pair, else 1. */
function codePointUnits(text: string, index: number): number {
  return (text.codePointAt(index) ?? 0) > 0xff_ff ? 2 : 1;
}

function bytesOf(codePoint: number): number {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x8_00) return 2;
  return codePoint < 0x1_00_00 ? 3 : 4;
}

function cost(codePoint: number, unit: TextUnit): number {
  switch (unit) {
    case "utf16":
      return codePoint > 0xff_ff ? 2 : 1;
    case "bytes":
      return bytesOf(codePoint);
    case "codepoints":
      return 1;
  }
}

/**
 * Index (in UTF-16 units, never inside a surrogate pair) of the longest prefix of `text` that measures at most `limit`. At
 * least one code point is taken, so that splitting always ends.
 */
export function prefixEnd(text: string, limit: number, unit: TextUnit): number {
  let spent = 0;
  let index = 0;
  while (index < text.length) {
    const codePoint = text.codePointAt(index) ?? 0;
    spent += cost(codePoint, unit);
    if (spent > limit && index > 0) return index;
    index += codePoint > 0xff_ff ? 2 : 1;
    if (spent > limit) return index;
  }
  return index;
}

let segmenter: Intl.Segmenter | undefined;
/** Made when a text has to be cut: its tables take 10 ms to load, which no start of a gateway should wait for. */
const graphemes = (): Intl.Segmenter => (segmenter ??= new Intl.Segmenter(undefined, { granularity: "grapheme" }));

/** No grapheme worth keeping whole is longer; emoji families take about 25 units. */
const GRAPHEME_WINDOW = 64;

/** The nearest grapheme boundary at or before `index`; `index` itself when the grapheme starts the text. */
export function graphemeBoundary(text: string, index: number): number {
  if (index >= text.length) return text.length;
  const start = Math.max(0, index - GRAPHEME_WINDOW);
  const aligned = start > 0 && isLowSurrogate(text, start) ? start + 1 : start;
  const segment = graphemes()
    .segment(text.slice(aligned, index + GRAPHEME_WINDOW))
    .containing(index - aligned);
  const boundary = aligned + (segment?.index ?? index - aligned);
  return boundary > aligned || aligned > 0 ? Math.max(boundary, 1) : index;
}

function isLowSurrogate(text: string, index: number): boolean {
  const unit = text.charCodeAt(index);
  return unit >= 0xdc_00 && unit <= 0xdf_ff;
}
