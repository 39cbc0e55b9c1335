import type { Outbound, Part } from "openclaw-host-sdk";

/** A part as its row keeps it. */
interface StoredPart extends Omit<Part, "text"> {
  readonly text?: string;
  /** True when its text is the message's own, which the delivery's row has already. */
  readonly whole?: true;
}

const textOf = (outbound: Outbound): string | undefined =>
  outbound.type === "message" || outbound.type === "edit" ? outbound.body.text : undefined;

/** For the column `payload`. Most messages are one part that says just what they say. */
export function encodePart(part: Part, outbound: Outbound): string {
  const { text, ...rest } = part;
  const stored: StoredPart = text !== undefined && text === textOf(outbound) ? { ...rest, whole: true } : part;
  return JSON.stringify(stored);
}

/** As it was given to `encodePart` with the same message. */
export function decodePart(payload: string, outbound: Outbound): Part {
  const { whole, ...part } = JSON.parse(payload) as StoredPart;
  const text = whole === true ? textOf(outbound) : undefined;
  return text === undefined ? part : { ...part, text };
}
