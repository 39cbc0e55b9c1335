import {
  type AccountCtx,
  type Closed,
  type Connection,
  Endpoint,
  type ExtensionDef,
  type Inbound,
  Type,
  defineChannel,
  defineExtension,
} from "openclaw-host-sdk";
import type { Drop } from "../spring-platform.ts";

const config = Type.Object({ api: Endpoint({ description: "Root URL of the scripted platform" }) });

type Ctx = AccountCtx<{ api: string }>;

/** Events that could come twice are kept apart only as long as the soak needs: the table must not grow without end. */
const REDELIVERY_MS = 60_000;

const toInbound = ({ seq, from, text }: Drop): Inbound => ({
  type: "message",
  eventId: String(seq),
  messageId: String(seq),
  at: seq,
  peer: { kind: "dm", id: from },
  from: { id: from },
  body: { text },
});

/** Takes what there is, tells at every question how many answers went out, and keeps nothing. */
async function drink(ctx: Ctx, stop: AbortSignal, sent: () => number): Promise<void> {
  let after = Number((await ctx.cursor()) ?? 0);
  while (!stop.aborted) {
    const body = JSON.stringify({ after, sent: sent() });
    const response = await fetch(ctx.config.api, { method: "POST", body, signal: stop });
    const drops = (await response.json()) as Drop[];
    ctx.health({ state: "ready", lastRoundTripAt: ctx.clock.now() });
    if (drops.length === 0) continue;
    after = Math.max(after, ...drops.map(({ seq }) => seq));
    await ctx.receive(drops.map(toInbound), { cursor: String(after) });
  }
}

function connect(ctx: Ctx): Connection {
  const stop = new AbortController();
  const { promise: closed, resolve: end } = Promise.withResolvers<Closed>();
  let sent = 0;
  const failed = (error: unknown) => end({ retry: "never", code: "failed", detail: String(error) });
  const drinking = drink(ctx, stop.signal, () => sent).catch(failed);
  const drain = async () => {
    stop.abort();
    await drinking;
    end({ retry: "never", code: "drained", detail: "closed on request" });
  };
  ctx.effect(drain);
  return {
    closed,
    drain,
    async send({ to }, { key }) {
      sent += 1;
      return { ids: [key], at: ctx.clock.now(), peer: to };
    },
  };
}

const spring = defineChannel({
  id: "spring",
  label: "Spring",
  config,
  account: config,
  capabilities: {
    peers: ["dm"],
    text: { limit: 4_000, unit: "utf16", markdown: false },
    delivery: { idempotent: "none", redeliveryWindowMs: REDELIVERY_MS },
  },
  probe: async () => ({ ok: true, self: { id: "spring" } }),
  connect: async (ctx) => connect(ctx),
});

const extension: ExtensionDef = defineExtension({ channels: [spring] });
export default extension;
