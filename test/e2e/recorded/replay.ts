import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Frame, type RawSocket, openSocket } from "../sockets.ts";
import { differences } from "./compare.ts";
import { type Device, type ProofStyle, type SignedParams, makeDevice } from "./device.ts";

type Recorded = Record<string, unknown>;

/** What the reference gateway did with a first frame. Tokens and devices are put in when it is replayed. */
interface Handshake {
  readonly name: string;
  readonly headers?: Record<string, string>;
  readonly device?: ProofStyle;
  readonly sent: Recorded | string;
  /** Missing when nothing was sent, or when the recording left the frame out. */
  readonly answer?: Recorded;
  /** How the gateway ended the connection; `accepted` when it did not. */
  readonly closed?: { readonly code: number; readonly reason: string };
  readonly accepted?: true;
}

interface Ask {
  readonly sent: Recorded | string;
  /** Sent in one breath with the request before, so that it finds it running. */
  readonly together?: true;
  /** Sent when a run has come so far: its id and the kind of event that says so. */
  readonly after?: string;
  /** Its run, or that of the request it is together with, waits until all of them were sent. */
  readonly held?: true;
  readonly answers: readonly Recorded[];
}

interface Conversation {
  readonly name: string;
  readonly device?: ProofStyle;
  readonly connect: { readonly sent: Recorded; readonly answer?: Recorded };
  readonly asks: readonly Ask[];
  /** One of each kind. */
  readonly events: readonly Recorded[];
  readonly closed?: { readonly code: number; readonly reason: string };
}

/** By place: what our gateway does there instead. */
export type Found = Map<string, unknown>;

export interface Replay {
  readonly found: Found;
  /** Every frame that came, for what holds of all of them. */
  readonly frames: readonly Frame[];
}

/** Replays all that was recorded of one protocol version against a gateway that has just started. */
export async function replay(version: 3 | 4, gateway: { url: string; token: string }): Promise<Replay> {
  const stage: Stage = { version, gateway, known: makeDevice(), deviceToken: "", found: new Map(), frames: [] };
  for (const handshake of read<Handshake>(`handshakes.v${version}.json`)) await shakeHands(stage, handshake);
  for (const conversation of read<Conversation>(`conversations.v${version}.json`)) await converse(stage, conversation);
  return stage;
}

interface Stage extends Replay {
  readonly version: 3 | 4;
  readonly gateway: { readonly url: string; readonly token: string };
  readonly known: Device;
  deviceToken: string;
  readonly frames: Frame[];
}

const read = <T>(name: string): readonly T[] => JSON.parse(readFileSync(join(import.meta.dirname, name), "utf8"));

async function shakeHands(stage: Stage, recorded: Handshake): Promise<void> {
  await using socket = await openSocket(stage.gateway.url, recorded.headers);
  const { sent } = recorded;
  socket.send(typeof sent === "string" ? sent : await complete(stage, socket, { sent, device: recorded.device }));
  const ended = await Promise.race([socket.closed, socket.frame((frame) => frame["ok"] === true)]);
  stage.frames.push(...socket.frames);
  const answer = socket.frames.find((frame) => frame.type === "res");
  const at = `v${stage.version} ${recorded.name}`;
  if (answer?.["ok"] === true) {
    stage.deviceToken ||= deviceTokenOf(answer, recorded);
    if (recorded.accepted !== true) stage.found.set(at, "accepted");
    else if (recorded.answer !== undefined) note(stage, "hello-ok", { recorded: recorded.answer, live: answer });
    return;
  }
  const live = { ...(answer === undefined ? {} : { error: withoutRequestId(answer)["error"] }), closed: ended };
  const expected = {
    ...(recorded.answer === undefined ? {} : { error: recorded.answer["error"] }),
    closed: recorded.closed,
  };
  if (!isSame(live, expected)) stage.found.set(at, live);
}

async function converse(stage: Stage, recorded: Conversation): Promise<void> {
  await using socket = await openSocket(stage.gateway.url);
  const { sent, answer } = recorded.connect;
  socket.send(await complete(stage, socket, { sent, device: recorded.device }));
  const hello = await socket.response("r1");
  if (answer !== undefined) note(stage, "hello-ok", { recorded: answer, live: hello });
  for (const group of breaths(recorded.asks)) await ask(stage, socket, group);
  for (const event of recorded.events) {
    const isAlike = (frame: Frame): boolean => kindOf(frame) === kindOf(event);
    await socket.frame(isAlike);
    // As lists, so that any live event of the kind may be the one that is like it.
    note(stage, `event ${kindOf(event)}`, { recorded: [event], live: socket.frames.filter(isAlike) });
  }
  if (recorded.closed !== undefined) {
    const closed = await socket.closed;
    if (!isSame(closed, recorded.closed)) stage.found.set(`v${stage.version} ${recorded.name}`, closed);
  }
  stage.frames.push(...socket.frames);
}

/** Requests that are sent together, in their order. */
function breaths(asks: readonly Ask[]): Ask[][] {
  const groups: Ask[][] = [];
  for (const one of asks) {
    const last = groups.at(-1);
    if (one.together === true && last !== undefined) last.push(one);
    else groups.push([one]);
  }
  return groups;
}

async function ask(stage: Stage, socket: RawSocket, group: readonly Ask[]): Promise<void> {
  for (const { after, sent } of group) {
    if (after !== undefined) await socket.frame((frame) => progressOf(frame) === after);
    socket.send(sent);
  }
  if (group.some(({ held }) => held === true)) socket.send(goOn(socket));
  for (const { sent, answers } of group) {
    const id = answers[0]?.["id"];
    const live = (): Frame[] => socket.frames.filter((frame) => frame.type === "res" && frame.id === id);
    if (answers.length > 0) await socket.frame(() => live().length >= answers.length);
    for (const [index, recorded] of answers.entries()) {
      compareAnswer(stage, methodOf(sent), { recorded, live: live()[index] ?? {} });
    }
  }
}

/** Tells the model that one run may end. */
function goOn({ frames }: RawSocket): object {
  const idempotencyKey = `go-on-${frames.length}`;
  const params = { sessionKey: "agent:main:prompter", message: "go on", idempotencyKey };
  return { type: "req", id: idempotencyKey, method: "chat.send", params };
}

interface Pair<T = unknown> {
  readonly recorded: T;
  readonly live: T;
}

/** Refusals must be the same; results must have the same shape. */
function compareAnswer(stage: Stage, method: string, { recorded, live }: Pair<Recorded>): void {
  if (recorded["ok"] === true && live["ok"] === true) return note(stage, method, { recorded, live });
  if (!isSame(recorded["error"], live["error"]))
    stage.found.set(`v${stage.version} ${textOf(recorded["id"])} ${method}`, live["error"] ?? "ok");
}

function note(stage: Stage, what: string, { recorded, live }: Pair): void {
  for (const [path, finding] of differences(recorded, live)) {
    stage.found.set(`v${stage.version} ${what} ${path.replace(/^(\[\])?\.payload/, "")}`, finding);
  }
}

/** The recorded frame with this gateway's token and a proof made for this challenge. */
async function complete(
  { gateway, deviceToken, known }: Stage,
  socket: RawSocket,
  { sent, device }: { readonly sent: Recorded; readonly device: ProofStyle | undefined },
): Promise<object> {
  const text = JSON.stringify(sent).replaceAll("$token", gateway.token).replaceAll("$deviceToken", deviceToken);
  const frame: Recorded & { params?: SignedParams } = JSON.parse(text);
  const { params } = frame;
  if (device === undefined || params === undefined) return frame;
  const challenge = await socket.frame(({ event }) => event === "connect.challenge");
  const { nonce } = challenge["payload"] as { nonce: string };
  const signer = device.key === "known" ? known : makeDevice();
  return { ...frame, params: { ...params, device: signer.proof(params, nonce, device) } };
}

/** The first token of the shared device, which later cases present. */
function deviceTokenOf(answer: Frame, { device }: Handshake): string {
  if (device?.key !== "known") return "";
  const { auth } = answer["payload"] as { auth?: { deviceToken?: string } };
  return auth?.deviceToken ?? "";
}

/** The command that approves a request is an addition of ours: the recorded gateway had none. */
function withoutRequestId(answer: Frame): Frame {
  const text = JSON.stringify(answer).replace(/,"fix":"openclaw devices approve [0-9a-f-]{36}"/, "");
  return JSON.parse(text.replace(/"requestId":"[0-9a-f-]{36}"/, '"requestId":"$requestId"'));
}

const payloadOf = (frame: Recorded): Recorded => (frame["payload"] ?? {}) as Recorded;

/** `chat delta`, `agent lifecycle start`, `health`. */
function kindOf(frame: Recorded): string {
  const { stream, state, data } = payloadOf(frame);
  const { phase } = (data ?? {}) as Recorded;
  return [frame["event"], stream, phase, state].filter((part) => typeof part === "string").join(" ");
}

/** `run-1 chat final`. */
const progressOf = (frame: Frame): string => `${textOf(payloadOf(frame)["runId"])} ${kindOf(frame)}`;

const methodOf = (sent: Recorded | string): string => (typeof sent === "string" ? sent : textOf(sent["method"]));

const textOf = (value: unknown): string => (typeof value === "string" ? value : "none");

/** Whatever the order of the keys. */
function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one, sorted) === JSON.stringify(other, sorted);
}

function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
