import type { Body, Inbound, MediaRef, PendingMedia } from "openclaw-host-sdk";
import { userMessage } from "../../agent/transcript-message.ts";
import { bodyDigest } from "../../base/digest.ts";
import { newRowId } from "../../base/row-id.ts";
import type { SessionFacts } from "../../store/tables/session-entry.ts";
import { type Access, checkAccess } from "../policy/access.ts";
import type { EchoGuard } from "../policy/echo-guard.ts";
import { commandInEvent } from "../policy/host-command.ts";
import type { AccountName, Inbox, InboxClaim } from "../inbox/inbox.ts";
import type { AccessPolicy } from "../policy/policy.ts";
import type { Pairing } from "../policy/pairing.ts";
import { type DeliveryTarget, resolveRoute, type Route, type Routing } from "../policy/route.ts";
import { messageOf, retrying } from "./turn-close.ts";
import { history } from "./turn-history.ts";
import { newDeliveryId, type TurnParts } from "./turn-parts.ts";
import { enterCommand } from "./turn-command.ts";
import { encodeRequest, type RequestedCommand } from "./turn-request.ts";
import type { TurnRunner } from "./turn-run.ts";
import { showTyping } from "./turn-typing.ts";

interface Rules {
  readonly policy: AccessPolicy;
  readonly routing: Routing;
}

/** What turns that come in over a channel need besides. */
export interface InboxTurnParts extends TurnParts {
  readonly inbox: Pick<Inbox, "claim" | "refuse" | "park" | "retry">;
  /** The owner's rules for an account; undefined when it is not configured any more. */
  readonly rules: (account: AccountName) => Rules | undefined;
  readonly pairing: Pick<Pairing, "isPaired" | "request" | "approve">;
  readonly echo: Pick<EchoGuard, "hear" | "said">;
  /** True for the identity of one of our own accounts of a channel. */
  readonly isOurs: (channel: string, senderId: string) => boolean;
  /** Fetches what a channel announced. */
  readonly fetchMedia: (account: AccountName, pending: PendingMedia) => Promise<MediaRef>;
  /** Shows or hides that an answer is being written; may reject. */
  readonly typing: (target: DeliveryTarget, on: boolean) => Promise<void>;
}

/** Other kinds of events are closed when they are recorded. */
type Message = Inbound & { readonly type: "message" };
const isMessage = (event: Inbound): event is Message => event.type === "message";

/** Takes one claim from policy to closed run. Rejects only when the store does. */
export async function handleClaim(parts: InboxTurnParts, runner: TurnRunner, claim: InboxClaim): Promise<void> {
  const messages = claim.events.filter(isMessage);
  const first = messages[0];
  if (first === undefined)
    return parts.inbox.park(claim.ids, "a claim without a message: this is a bug, please report it");
  // Read at every claim: what the owner allows now counts, not what was allowed when the message came.
  const rules = parts.rules(claim);
  if (rules === undefined) {
    return parts.inbox.park(claim.ids, `the account ${claim.channel}/${claim.account} is not configured any more`);
  }
  const access = checkAll(parts, rules.policy, { messages, claim });
  if (!access.allow) return refuse(parts, claim, { access, first });
  const route = resolveRoute(rules.routing, { channel: claim.channel, account: claim.account, event: first });
  if (isAwaited(parts, route.agentId, messages)) return parts.inbox.retry(claim.ids, AGENT_AWAITED);
  // A run that a dead process left open has its request already, files and all.
  const said = claim.hasRun ? textOf(messages) : await collect(parts, claim, messages);
  if (!claim.hasRun && said.text === "" && said.media.length === 0)
    return parts.inbox.park(claim.ids, "the message is empty");
  const loop = heardBefore(parts, { claim, first, text: said.text });
  if (loop !== undefined) return void (await parts.inbox.refuse(claim.ids, loop));
  const command = await commandOf(parts, runner, { claim, route, rules, messages });
  await runClaim(parts, runner, { claim, route, said, first, command });
}

/**
 * How long messages wait for the runtime of their agent, ms from when it went or the gateway started: an extension loads within
 * seconds, and one that crashed is tried again for minutes. After that whoever writes is told that there is no answer.
 */
const AGENT_PATIENCE_MS = 5 * 60_000;
const AGENT_AWAITED = { reason: "the runtime of its agent is not loaded yet", delayMs: 1_000, counts: false } as const;

/** True while a message should wait for its agent; commands are answered without one. */
function isAwaited({ runtimes }: InboxTurnParts, agentId: string, messages: readonly Message[]): boolean {
  const [first] = messages;
  if (first !== undefined && messages.length === 1 && commandInEvent(first) !== undefined) return false;
  const absentMs = runtimes.absentMs(agentId);
  return absentMs !== undefined && absentMs < AGENT_PATIENCE_MS;
}

/** Why a machine is not answered any more; the log says so each time. */
function heardBefore(
  { echo, isOurs, log }: InboxTurnParts,
  { claim, first, text }: { claim: InboxClaim; first: Message; text: string },
): string | undefined {
  const { channel, account, lane } = claim;
  const { id: sender, bot } = first.from;
  const loop = echo.hear({ channel, account, lane, sender, machine: bot === true || isOurs(channel, sender), text });
  if (loop !== undefined) log.warn("a message was not answered", { channel, account, reason: loop });
  return loop;
}

/** A command that stands alone; several messages that became one turn are for the agent. */
async function commandOf(
  { pairing }: InboxTurnParts,
  runner: TurnRunner,
  turn: { claim: InboxClaim; route: Route; rules: Rules; messages: readonly Message[] },
): Promise<RequestedCommand | undefined> {
  const { claim, route, rules } = turn;
  const [first, ...others] = turn.messages;
  const command = first === undefined || others.length > 0 ? undefined : commandInEvent(first);
  if (first === undefined || command === undefined) return undefined;
  const stop = () => {
    const active = runner.on(route.sessionKey).filter((one) => one.began || one.run.door !== "channel");
    for (const one of active) one.stop("stop");
    return active.length;
  };
  const { from, peer } = first;
  return enterCommand(pairing, { command, claim, from, direct: peer.kind === "dm", rules, stop });
}

/** An album counts as addressed when any of its pieces is. */
function checkAll(
  { pairing }: InboxTurnParts,
  policy: AccessPolicy,
  { messages, claim }: { readonly messages: readonly Message[]; readonly claim: InboxClaim },
): Access {
  const { repliesToUs } = claim;
  const answers = messages.map((message) =>
    checkAccess(policy, message, { repliesToUs, paired: pairing.isPaired(claim, message.from.id) }),
  );
  return answers.find((answer) => answer.allow) ?? answers[0] ?? { allow: false, reason: "no message" };
}

/** The inbox closes the message and queues the answer in one transaction, which also decides whether this is the first time. */
async function refuse(
  parts: InboxTurnParts,
  claim: InboxClaim,
  { access, first }: { access: Access & { allow: false }; first: Message },
): Promise<void> {
  const { channel, account } = claim;
  // The request is stored first: a crash in between shows as a repeat, which is told the same code.
  const told: Pick<typeof access, "reason" | "answer"> =
    access.pair === true ? await parts.pairing.request(claim, first) : access;
  const { reason, answer } = told;
  if (answer === undefined) return void (await parts.inbox.refuse(claim.ids, reason));
  const target = { channel, account, peer: first.peer };
  const body: Body = { text: answer, format: "plain" };
  const intents = await parts.plan(target, body, { deliveryId: newDeliveryId(parts) });
  const to = { channel, account, sender: first.from.id, tellsCode: access.pair === true };
  const queued = await parts.inbox.refuse(claim.ids, reason, { ...to, intents });
  if (queued) parts.outbox.wake();
}

/** What reaches the agent. */
interface Said {
  readonly text: string;
  readonly media: readonly MediaRef[];
}

const textOf = (messages: readonly Message[]): Said => ({
  text: joinTexts(messages.map((message) => message.body.text ?? "")),
  media: [],
});

const joinTexts = (texts: readonly string[]): string => texts.filter((text) => text.trim() !== "").join("\n");

/** Text and fetched media of all pieces. A file that cannot be fetched is named in the text: the agent should know of it. */
async function collect(parts: InboxTurnParts, claim: InboxClaim, messages: readonly Message[]): Promise<Said> {
  const announced = messages.flatMap((message) => message.body.media ?? []);
  const fetched = await Promise.all(announced.map((media) => fetchOne(parts, claim, media)));
  const texts = messages.map((message) => message.body.text ?? "");
  const notes = fetched.filter((result) => typeof result === "string");
  return {
    text: joinTexts([...texts, ...notes]),
    media: fetched.filter((result) => typeof result !== "string"),
  };
}

/** Waits between attempts to fetch a file: a platform or a link may be gone for a moment only. */
const FETCH_RETRY_MS: readonly number[] = [1_000, 5_000];

/** The file, or the words that stand for it. */
async function fetchOne(
  parts: InboxTurnParts,
  { channel, account }: InboxClaim,
  media: MediaRef | PendingMedia,
): Promise<MediaRef | string> {
  if ("ref" in media) return media;
  try {
    return await retrying(parts, FETCH_RETRY_MS, () => parts.fetchMedia({ channel, account }, media));
  } catch (error) {
    parts.log.warn("a file that came with a message could not be fetched", {
      channel,
      account,
      error: messageOf(error),
    });
    return `[${media.name ?? media.kind} could not be fetched]`;
  }
}

/** The row is committed, or the run that died over these messages is found again; then it runs like any other. */
async function runClaim(
  parts: InboxTurnParts,
  runner: TurnRunner,
  turn: { claim: InboxClaim; route: Route; said: Said; first: Message; command: RequestedCommand | undefined },
): Promise<void> {
  const { claim, route, said, first, command } = turn;
  const at = parts.clock.now();
  // Beside the text and not in it: the agent may use it, and an echo stays an echo.
  const { id, name } = first.from;
  const sender = { id, ...(name === undefined ? {} : { name }) };
  const accepted = await parts.store.run("runs.accept", {
    runId: newRowId(parts),
    door: "channel",
    identity: `${claim.channel}/${claim.account}`,
    // Nobody repeats a message by its run id; the digest only has to be stable.
    digest: bodyDigest(claim.ids),
    sessionKey: route.sessionKey,
    sessionId: parts.ids.uuid(),
    agentId: route.agentId,
    request: encodeRequest({ ...said, target: route.target, ...(command === undefined ? {} : { command }) }),
    message: { id: parts.ids.uuid(), message: userMessage({ ...said, at: first.at, sender }) },
    inbox: claim.ids,
    facts: sessionFacts(route.target, first),
    at,
    ...history(parts),
  });
  if (accepted.entry !== undefined) parts.sessions.noteCommitted(accepted.entry);
  const hide = showTyping(parts, route.target);
  const outcome = await runner.begin(accepted.run, accepted).closed;
  parts.echo.said(claim.lane, outcome.text);
  hide();
}

/** Where this session was last written from, so that an answer without a target finds its way. */
function sessionFacts({ channel, account, peer }: DeliveryTarget, { from }: Message): SessionFacts {
  const thread = peer.threadId === undefined ? {} : { threadId: peer.threadId };
  return {
    channel,
    chatType: peer.kind === "dm" ? "direct" : peer.kind,
    origin: { provider: channel, accountId: account, from: from.id },
    deliveryContext: { channel, to: peer.id, accountId: account, ...thread },
    lastChannel: channel,
    lastTo: peer.id,
    lastAccountId: account,
    ...(peer.kind === "dm" || peer.label === undefined ? {} : { subject: peer.label }),
  };
}
