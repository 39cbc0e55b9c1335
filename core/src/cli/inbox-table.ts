import type { KeptSummary } from "openclaw-host-schemas";
import { printable } from "../base/printable.ts";
import { table } from "./io.ts";

const time = (at: number): string => new Date(at).toISOString();

const cells = (message: KeptSummary): string[] => [
  `  ${message.id}`,
  time(message.receivedAt),
  `${message.channel}/${printable(message.accountId)}`,
  printable(message.from.name === undefined ? message.from.id : `${message.from.name} (${message.from.id})`),
  message.state,
  printable(message.reason),
];

/** One message a line, newest first. */
export function keptTable(messages: readonly KeptSummary[]): string {
  return messages.length === 0 ? "  none\n" : table(messages.map(cells));
}

/** One message with what it says. */
export function keptText(message: KeptSummary): string {
  const files = message.files === 0 ? "" : `  with ${message.files} file(s)\n`;
  const text = message.text
    .split("\n")
    .map((line) => `  ${printable(line)}\n`)
    .join("");
  return `${table([cells(message)])}\n${text}${files}`;
}
