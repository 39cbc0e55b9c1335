import {
  type AccountCtx,
  type Closed,
  type Connection,
  type ExtensionDef,
  type Inbound,
  Type,
  defineChannel,
  defineExtension,
} from "openclaw-host-sdk";

const config = Type.Object({
  messages: Type.Integer({ minimum: 1, description: "How many messages come in, in all" }),
  batch: Type.Integer({ minimum: 1, description: "Messages in one call of receive" }),
  peers: Type.Integer({ minimum: 1, description: "Conversations they are spread over" }),
});

type Ctx = AccountCtx<{ messages: number; batch: number; peers: number }>;

function message(seq: number, peers: number): Inbound {
  const id = String(seq % peers);
  const text = `message ${seq} of the flood`;
  return {
    type: "message",
    eventId: String(seq),
    messageId: String(seq),
    at: seq,
    peer: { kind: "dm", id },
    from: { id },
    body: { text },
  };
}

/** One call in flight at a time, as the contract has it. */
async function pour(ctx: Ctx): Promise<void> {
  const { messages, batch, peers } = ctx.config;
  for (let seq = 0; seq < messages; seq += batch) {
    const length = Math.min(batch, messages - seq);
    const events = Array.from({ length }, (_, index) => message(seq + index, peers));
    await ctx.receive(events, { cursor: String(seq + length) });
  }
}

/** As many messages as it is told, as fast as the gateway takes them. What is sent arrives at once. */
function connect(ctx: Ctx): Connection {
  const { promise: closed, resolve: end } = Promise.withResolvers<Closed>();
  void pour(ctx).catch((error: unknown) => end({ retry: "never", code: "failed", detail: String(error) }));
  return {
    closed,
    drain: async () => end({ retry: "never", code: "drained", detail: "closed on request" }),
    send: async ({ to }, { key }) => ({ ids: [key], at: ctx.clock.now(), peer: to }),
  };
}

const flood = defineChannel({
  id: "flood",
  label: "Flood",
  config,
  account: config,
  capabilities: {
    peers: ["dm"],
    text: { limit: 1_000, unit: "utf16", markdown: false },
    delivery: { idempotent: "none", redeliveryWindowMs: 3_600_000 },
  },
  probe: async () => ({ ok: true, self: { id: "flood" } }),
  connect: async (ctx) => connect(ctx),
});

const extension: ExtensionDef = defineExtension({ channels: [flood] });
export default extension;
