import {
  type AccountCtx,
  type Closed,
  type Connection,
  Endpoint,
  type ExtensionDef,
  type Peer,
  SendError,
  Type,
  defineChannel,
  defineExtension,
} from "openclaw-host-sdk";
import type { RelayEvent, RelayMessage } from "../relay-platform.ts";
import { drip } from "./drip.ts";

const config = Type.Object({ api: Endpoint({ description: "Root URL of the scripted platform" }) });

type Ctx = AccountCtx<{ api: string }>;

/** Wait after the platform could not be reached, ms. */
const RETRY_MS = 200;

/** A channel whose platform can be asked what became of a message, and tells an event more than once. */
const relay = defineChannel({
  id: "relay",
  label: "Relay",
  config,
  account: config,
  capabilities: {
    peers: ["dm"],
    text: { limit: 200, unit: "utf16", markdown: false },
    delivery: { idempotent: "reconcile", redeliveryWindowMs: 3_600_000 },
    stream: "edit",
  },
  probe: async () => ({ ok: true, self: { id: "relay" } }),
  connect: async (ctx) => connect(ctx),
});

async function ask<T>(
  { config: { api }, signal }: Pick<Ctx, "config" | "signal">,
  path: string,
  body: object,
): Promise<T> {
  const response = await fetch(`${api}/${path}`, { method: "POST", body: JSON.stringify(body), signal });
  return (await response.json()) as T;
}

async function listen(ctx: Ctx, signal: AbortSignal): Promise<void> {
  let after = Number((await ctx.cursor()) ?? 0);
  while (!signal.aborted) {
    try {
      const events = await ask<RelayEvent[]>({ config: ctx.config, signal }, "poll", { after });
      after = Math.max(after, ...events.map(({ seq }) => seq));
      await ctx.receive(events.map(toInbound), { cursor: String(after) });
      ctx.health({ state: "ready", lastRoundTripAt: ctx.clock.now() });
    } catch {
      if (!signal.aborted) await ctx.clock.sleep(RETRY_MS, signal).catch(() => {});
    }
  }
}

const toInbound = ({ seq, from, text, at }: RelayEvent) => ({
  type: "message" as const,
  eventId: String(seq),
  messageId: String(seq),
  at,
  peer: { kind: "dm" as const, id: from },
  from: { id: from },
  body: { text },
});

function connect(ctx: Ctx): Connection {
  const stop = new AbortController();
  const { promise: closed, resolve: end } = Promise.withResolvers<Closed>();
  const listening = listen(ctx, stop.signal).finally(() =>
    end({ retry: "never", code: "drained", detail: "closed on request" }),
  );
  const drain = async () => {
    stop.abort();
    await listening;
  };
  ctx.effect(drain);
  const tell = async (verb: "send" | "edit" | "remove", body: object): Promise<RelayMessage> => {
    try {
      return await ask<RelayMessage>(ctx, verb, body);
    } catch (error) {
      throw new SendError(`no answer: ${String(error)}`, { fate: "unknown", scope: "message" });
    }
  };
  const receipt = (to: Peer, { id, at }: RelayMessage) => ({ ids: [id], at, peer: to });
  return {
    closed,
    drain,
    async send({ to }, { key, part }) {
      return receipt(to, await tell("send", { key, to: to.id, text: part.text ?? "" }));
    },
    async openStream(to, { key, text, resume }) {
      const id = resume?.ids[0] ?? (await tell("send", { key, to: to.id, text })).id;
      return {
        ids: [id],
        push: async (soFar) => void (await tell("edit", { id, text: soFar })),
        finish: async (body) => receipt(to, await tell("edit", { id, text: body.text ?? "" })),
        abort: async () => void (await tell("remove", { id })),
      };
    },
    async reconcile({ to }, { key }) {
      const found = await ask<RelayMessage | null>(ctx, "find", { key });
      return found === null ? "absent" : receipt(to, found);
    },
  };
}

const extension: ExtensionDef = defineExtension({ channels: [relay], agents: [drip] });
export default extension;
