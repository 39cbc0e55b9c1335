/** Line breaks of every kind, escape sequences and text-direction marks: whatever could forge a line or drive a terminal. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

const KEPT_IN_TEXT: ReadonlySet<string> = new Set(["\n", "\t"]);

const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** Text that stays on its line: every control character is replaced by its visible escape, like `\n` or `\u001b`. */
export const printable = (text: string): string => text.replace(UNPRINTABLE, escape);

/** Text of several lines for a terminal: line breaks and tabs stay, every other control character becomes visible. */
export const printableText = (text: string): string =>
  text.replace(UNPRINTABLE, (char) => (KEPT_IN_TEXT.has(char) ? char : escape(char)));

function escape(char: string): string {
  return SHORT[char] ?? `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`;
}
