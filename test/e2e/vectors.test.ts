import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { METHODS, type MethodDescriptor } from "openclaw-host-schemas";
import { startGatewayProcess } from "openclaw-host-testing";
import { describe, expect } from "vitest";
import { type RawSocket, openReady, openSocket } from "./sockets.ts";
import { verifies } from "./verifies.ts";

interface Vector {
  readonly name: string;
  /** The type that the frame, or what it carries, is or is not. */
  readonly schema: string;
  readonly frame: { readonly id?: unknown; readonly method?: string };
  /** Every located issue, in the order of the answer; only in `invalid`. */
  readonly issues?: readonly string[];
}

const folder = new URL("../../schemas/test-vectors/", import.meta.url).pathname;

/** What a client may send: requests with wrong or right params, connects, and frames that are no requests. */
function vectors(kind: "valid" | "invalid", schema: RegExp): Vector[] {
  const names = readdirSync(join(folder, kind)).sort();
  return names
    .map((name) => ({ name, ...JSON.parse(readFileSync(join(folder, kind, name), "utf8")) }))
    .filter((vector) => schema.test(vector.schema));
}

const METHOD_PARAMS = /^(?!ConnectParams).*Params$/;
const CONNECT_PARAMS = /^ConnectParams/;
const REQUEST_FRAMES = /^RequestFrame$/;

/** Sentences that clients of version 3 know instead of the located ones (wire protocol 5.2). */
const OTHER_TEXTS: Readonly<Record<string, string>> = { "system-event": "text required" };

const METHODS_BY_NAME: Readonly<Record<string, MethodDescriptor>> = METHODS;

/** What version 3 answers to params that are wrong. */
function paramsText(vector: Vector): string {
  const { method = "" } = vector.frame;
  // Version 3 has no such method; version 4, which has it, ignores keys it does not know.
  if (METHODS_BY_NAME[method]?.since === 4) return `unknown method: ${method}`;
  return OTHER_TEXTS[method] ?? located(`invalid ${method} params`, vector);
}

/** A close reason holds 120 bytes; every text here is ASCII. */
const REASON_BYTES = 120;

const refusal = (id: string, message: string) => ({
  type: "res",
  id,
  ok: false,
  error: { code: "INVALID_REQUEST", message },
});

const located = (prefix: string, { issues = [] }: Vector): string => `${prefix}: ${issues.join("; ")}`;

/** The answers to a frame under its id, or under `invalid` when it has none that can be echoed. */
async function ask(socket: RawSocket, frame: Vector["frame"], id: string): Promise<unknown> {
  const before = socket.frames.length;
  socket.send({ ...frame, ...(id === "invalid" ? {} : { id }) });
  return socket.frame((answer) => socket.frames.indexOf(answer) >= before && answer.id === id);
}

async function refusesParams(socket: RawSocket): Promise<void> {
  for (const vector of vectors("invalid", METHOD_PARAMS)) {
    const answer = await ask(socket, vector.frame, vector.name);
    expect(answer, vector.name).toEqual(refusal(vector.name, paramsText(vector)));
  }
}

/** After the handshake a frame that is no request is answered; before it, it ends the connection unanswered. */
async function refusesFrames(socket: RawSocket, url: string): Promise<void> {
  for (const vector of vectors("invalid", REQUEST_FRAMES)) {
    const { id } = vector.frame;
    const echoed = typeof id === "string" && id !== "" ? id : "invalid";
    const text = located("invalid request frame", vector);
    expect(await ask(socket, vector.frame, echoed), vector.name).toEqual(refusal(echoed, text));
    await using stranger = await openSocket(url);
    stranger.send(vector.frame);
    expect(await stranger.closed, vector.name).toEqual({ code: 1008, reason: "invalid request frame" });
    expect(stranger.frames.map((frame) => frame.event ?? frame.type)).toEqual(["connect.challenge"]);
  }
}

async function refusesConnects(url: string): Promise<void> {
  for (const vector of vectors("invalid", CONNECT_PARAMS)) {
    const text = located("invalid connect params", vector);
    await using stranger = await openSocket(url);
    stranger.send(vector.frame);
    expect(await stranger.closed, vector.name).toEqual({ code: 1008, reason: text.slice(0, REASON_BYTES) });
    expect(stranger.frames.slice(1), vector.name).toEqual([refusal("r1", text)]);
  }
}

async function takesParams(socket: RawSocket): Promise<void> {
  for (const vector of vectors("valid", METHOD_PARAMS)) {
    const answer = await ask(socket, vector.frame, vector.name);
    const text = JSON.stringify(answer);
    expect(text, vector.name).not.toMatch(/invalid [\w.-]+ params: (at |must )/);
  }
}

describe("the published vectors", () => {
  verifies("wire:invalid-vectors", async () => {
    await using gateway = await startGatewayProcess();
    await using bystander = await openReady(gateway);
    await using socket = await openReady(gateway, { min: 3, max: 3 });
    await refusesParams(socket);
    await refusesFrames(socket, gateway.url);
    await refusesConnects(gateway.url);
    await takesParams(socket);
    for (const calm of [socket, bystander]) {
      expect(await ask(calm, { method: "health", type: "req" } as Vector["frame"], "alive")).toMatchObject({
        ok: true,
      });
      const seqs = calm.frames.flatMap((frame) => (frame["seq"] === undefined ? [] : [frame["seq"]]));
      expect(seqs).toEqual(seqs.map((_, index) => index + 1));
    }
  });
});
