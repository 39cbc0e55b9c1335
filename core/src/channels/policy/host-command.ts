import type { Inbound } from "openclaw-host-sdk";

const NAMES = ["new", "reset", "stop", "status", "help", "approve"] as const;
type HostCommandName = (typeof NAMES)[number];

/** A command that the host answers itself, before any agent sees it. */
export interface HostCommand {
  readonly name: HostCommandName;
  /** Everything behind the name, trimmed. */
  readonly args: string;
}

const isHostCommand = (name: string): name is HostCommandName => NAMES.some((known) => known === name);

/** `/name` at the very start, alone or before arguments. `/name@bot` is for the channel to read, which knows its own name. */
const COMMAND = /^\s*\/(?<name>[a-z]+)(?:\s+(?<args>[\s\S]*))?$/iu;

/** Reads a text; undefined for one that goes to the agent, which may have commands of its own. */
export function commandInText(text: string): HostCommand | undefined {
  const groups = COMMAND.exec(text)?.groups;
  const name = groups?.["name"]?.toLowerCase() ?? "";
  return isHostCommand(name) ? { name, args: groups?.["args"]?.trim() ?? "" } : undefined;
}

/** Reads an event: what the channel says of it counts before its text. A message with files is for the agent. */
export function commandInEvent(event: Inbound): HostCommand | undefined {
  if (event.type !== "message" || (event.body.media ?? []).length > 0) return undefined;
  if (event.command === undefined) return commandInText(event.body.text ?? "");
  const name = event.command.name.toLowerCase();
  return isHostCommand(name) ? { name, args: event.command.args.trim() } : undefined;
}

/** The answer to `/help`. */
export const HELP: string = [
  "/new [text] begins a new session, with text as its first message; /reset does the same",
  "/stop ends what I am doing here",
  "/status says how this session stands",
  "/approve <code> lets somebody write to me, if you are my owner",
].join("\n");
