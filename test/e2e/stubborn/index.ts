import { type ExtensionDef, Type, defineChannel, defineExtension } from "openclaw-host-sdk";

const never = (): Promise<never> => new Promise(() => {});

/** A channel that connects and from then on answers nothing: no send, no drain, no end. */
const stubborn = defineChannel({
  id: "stubborn",
  label: "Stubborn",
  config: Type.Object({}),
  account: Type.Object({}),
  capabilities: {
    peers: ["dm"],
    text: { limit: 200, unit: "utf16", markdown: false },
    delivery: { idempotent: "none", redeliveryWindowMs: 3_600_000 },
  },
  probe: async () => ({ ok: true, self: { id: "stubborn" } }),
  async connect(ctx) {
    ctx.effect(never, "what never ends");
    return { closed: never(), send: never, drain: never };
  },
  targets: { parse: async (raw) => ({ kind: "dm", id: raw }) },
});

const extension: ExtensionDef = defineExtension({ channels: [stubborn] });

export default extension;
