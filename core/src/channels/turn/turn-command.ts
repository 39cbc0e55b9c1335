import type { Actor } from "openclaw-host-sdk";
import type { AgentRuntime } from "../../agent/runtime.ts";
import { userMessage } from "../../agent/transcript-message.ts";
import { isWireError } from "../../base/wire-error.ts";
import type { RunRecord } from "../../store/tables/run-record.ts";
import { HELP, type HostCommand } from "../policy/host-command.ts";
import type { InboxClaim } from "../inbox/inbox.ts";
import type { Pairing } from "../policy/pairing.ts";
import type { AccessPolicy } from "../policy/policy.ts";
import { isMainOwner, type Routing } from "../policy/route.ts";
import type { TurnParts } from "./turn-parts.ts";
import type { RequestedCommand } from "./turn-request.ts";

/** What commands need that must act before the session's turn comes. */
export interface DoorCommand {
  readonly command: HostCommand;
  readonly claim: InboxClaim;
  readonly from: Actor;
  /** True in a conversation of two. */
  readonly direct: boolean;
  readonly rules: { readonly policy: AccessPolicy; readonly routing: Routing };
  /** Stops the session's runs and says how many there were. */
  readonly stop: () => number;
}

/**
 * The part of a command that cannot wait for the lane: `/stop` ends what holds it, `/approve` is for its author alone. Both
 * may happen again when the process dies before the run is stored.
 */
export async function enterCommand(pairing: Pick<Pairing, "approve">, door: DoorCommand): Promise<RequestedCommand> {
  switch (door.command.name) {
    case "stop":
      return { ...door.command, reply: door.stop() > 0 ? "Stopped." : "Nothing was running." };
    case "approve":
      return { ...door.command, reply: await approve(pairing, door) };
    case "new":
    case "reset":
    case "status":
    case "help":
      return door.command;
  }
}

/** Owners are those the config file names by id: a handle can change hands, and an approved stranger approves nobody. */
function isOwner({ claim, from, rules }: DoorCommand): boolean {
  return rules.policy.allowFrom.includes(from.id) || isMainOwner(rules.routing, claim.channel, from);
}

async function approve(pairing: Pick<Pairing, "approve">, door: DoorCommand): Promise<string> {
  const { command, claim, from } = door;
  if (!door.direct) return "Please approve codes in a private conversation with me.";
  if (!isOwner(door)) return "Only my owner approves codes: somebody whose id is in allowFrom or session.mainFor.";
  if (command.args === "") return "Which code? Write: /approve <code>";
  const { channel, account } = claim;
  try {
    const { name, sender } = await pairing.approve({ channel, account, code: command.args }, `${channel}:${from.id}`);
    return `${name ?? sender} may write to me now.`;
  } catch (error) {
    if (isWireError(error)) return `That did not work: ${error.message}`;
    throw error;
  }
}

/**
 * What a command answers, in its lane; undefined when the agent is to answer what came with it. It may run twice when the
 * process dies, and leaves the same session behind.
 */
export async function answerCommand(
  parts: TurnParts,
  run: RunRecord,
  command: RequestedCommand,
): Promise<string | undefined> {
  switch (command.name) {
    case "new":
    case "reset":
      await beginSession(parts, run, command.args);
      return command.args === "" ? "A new session has begun." : undefined;
    case "status":
      return statusOf(parts, run);
    case "help":
      return HELP;
    case "stop":
    case "approve":
      return command.reply ?? "";
  }
}

/** In the lane nothing else runs here, so there is nobody to wait for. */
async function beginSession(parts: TurnParts, { sessionKey: key }: RunRecord, text: string): Promise<void> {
  const { store, sessions, ids } = parts;
  const at = parts.clock.now();
  sessions.noteCommitted(await store.run("sessions.reset", { key, sessionId: ids.uuid(), at }));
  if (text === "") return;
  const messages = [{ id: ids.uuid(), message: userMessage({ text, media: [], at }) }];
  sessions.noteCommitted(await store.run("sessions.append", { key, messages, at }));
}

function statusOf(parts: TurnParts, { agentId, sessionKey }: RunRecord): string {
  const entry = parts.sessions.get(sessionKey);
  const model = entry?.model ?? parts.settings(agentId).model;
  return [
    `agent: ${agentId}${model === undefined ? "" : `, model ${model}`}`,
    `session: ${sessionKey}`,
    ...(entry?.totalTokens === undefined ? [] : [`tokens of the last run: ${entry.totalTokens}`]),
  ].join("\n");
}

/** A runtime that says one thing: a command's answer then goes the way of every other answer. */
export const saying = (text: string): AgentRuntime => ({
  id: "host",
  async *turn() {
    yield { t: "text", delta: text };
    yield { t: "done", reason: "end" };
  },
});
