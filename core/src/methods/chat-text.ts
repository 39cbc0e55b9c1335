import { invalidRequest } from "../base/wire-error.ts";

/** Messages that stop the session's runs instead of starting one. Source: wire protocol section 5.3, chat.send. */
const STOP_WORDS: ReadonlySet<string> = new Set(["/stop", "stop", "/abort", "abort", "esc", "exit", "interrupt"]);

/** True for a message that is nothing but a stop word, in any case and with any closing punctuation. */
export function isStopWord(text: string): boolean {
  const said = text.trim();
  // Without an expression: one that ends in "$" looks at a text of exclamation marks again from every place.
  let end = said.length;
  while (said[end - 1] === "!" || said[end - 1] === ".") end -= 1;
  return STOP_WORDS.has(said.slice(0, end).toLowerCase());
}

/** Everything below the blank except tab, line feed and carriage return, and DEL. */
// oxlint-disable-next-line no-control-regex -- control characters are what this pattern is for
const CONTROL = /[\u0001-\u0008\u000b\u000c\u000e-\u001f\u007f]/gu;

/**
 * A message as it is stored: composed (NFC), without control characters.
 *
 * @throws WireError for a NUL character.
 */
export function cleanText(text: string): string {
  if (text.includes("\u0000")) throw invalidRequest("message must not contain null bytes");
  return text.normalize("NFC").replaceAll(CONTROL, "");
}

/** What an agent is told when somebody only asks for a new session. */
const GREETING = "A new session has begun. Greet the user in one or two sentences and ask what to do.";

/** `/new` and `/reset`, alone or before a first message; undefined for any other message. */
export function parseReset(text: string): { readonly text: string } | undefined {
  const match = /^\s*\/(?:new|reset)(?:\s+(?<rest>[\s\S]*))?$/iu.exec(text);
  if (match === null) return undefined;
  const rest = match.groups?.["rest"]?.trim() ?? "";
  return { text: rest === "" ? GREETING : rest };
}
