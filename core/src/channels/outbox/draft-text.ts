import type { Capabilities } from "openclaw-host-sdk";
import { mayBecomeSilent } from "../../agent/answer.ts";
import { measure } from "./measure.ts";
import { splitText } from "./render.ts";

/**
 * A draft begins with so many characters: notifications show how a message begins, and an edit does not correct them. About
 * four words tell what the answer is about.
 */
const FIRST_CHARS = 20;

/** What a draft shows of the text so far. */
export interface Shown {
  readonly text: string;
  /** True when the text has outgrown one message: the draft stays at its first part. */
  readonly full: boolean;
}

/** True once there is something worth a message; a text that may turn out to mean "no answer" is not. */
export const isWorthShowing = (text: string): boolean => !mayBecomeSilent(text) && text.trim().length >= FIRST_CHARS;

/** A delta may end between the halves of a character; its second half comes with the next one. */
const whole = (text: string): string => (/[\uD800-\uDBFF]$/u.test(text) ? text.slice(0, -1) : text);

export function shownOf(soFar: string, { limit, unit }: Capabilities["text"]): Shown {
  const text = whole(soFar).trimEnd();
  if (measure(text, unit) <= limit) return { text, full: false };
  return { text: splitText(text, { limit, unit })[0] ?? "", full: true };
}
