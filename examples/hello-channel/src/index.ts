import { type Socket, createServer } from "node:net";
import { createInterface } from "node:readline";
import type { AccountCtx, Closed, Connection, ExtensionDef } from "openclaw-host-sdk";
import { SendError, Type, defineChannel, defineExtension } from "openclaw-host-sdk";

const config = Type.Object({
  port: Type.Integer({ description: "TCP port on 127.0.0.1", minimum: 1, maximum: 65_535 }),
});

/** Talk to it with `nc 127.0.0.1 <port>`: each line you write is a message, and the answer comes back as lines. */
const hello = defineChannel({
  id: "hello",
  label: "Hello over TCP",
  config,
  account: config,
  capabilities: {
    peers: ["dm"],
    text: { limit: 1_000, unit: "utf16", markdown: false },
    delivery: { idempotent: "none", redeliveryWindowMs: 0 },
  },
  probe: async ({ config: { port } }) => ({ ok: true, self: { id: `port-${port}` } }),
  connect: async (ctx) => listen(ctx),
});

function listen(ctx: AccountCtx<{ port: number }>): Connection {
  const talks = new Map<string, Socket>();
  const { promise: closed, resolve: end } = Promise.withResolvers<Closed>();
  const server = createServer((socket) => {
    const id = crypto.randomUUID();
    talks.set(id, socket);
    socket.on("error", () => socket.destroy()).on("close", () => talks.delete(id));
    createInterface(socket).on("line", (text) => {
      const [eventId, at] = [crypto.randomUUID(), ctx.clock.now()];
      // Resolves once the line is stored; one that could not be stored ends the talk, and its author knows.
      ctx
        .receive([
          { type: "message", eventId, messageId: eventId, at, peer: { kind: "dm", id }, from: { id }, body: { text } },
        ])
        .catch(() => socket.destroy());
    });
  });
  const stop = async () => {
    for (const socket of talks.values()) socket.destroy();
    server.close(() => end({ retry: "never", code: "drained", detail: "closed on request" }));
    await closed;
  };
  server.on("error", (error) => end({ retry: "backoff", code: "listen", detail: error.message }));
  server.listen(ctx.config.port, "127.0.0.1", () => ctx.health({ state: "ready", lastRoundTripAt: ctx.clock.now() }));
  ctx.effect(stop);
  const send: Connection["send"] = async ({ to }, { key, part }) => {
    if (talks.get(to.id)?.write(`${part.text ?? ""}\n`) === undefined)
      throw new SendError("they hung up", { fate: "rejected", scope: "peer" });
    return { ids: [`${key}/${part.index}`], at: ctx.clock.now(), peer: to };
  };
  return { closed, send, drain: stop };
}

const extension: ExtensionDef = defineExtension({ channels: [hello] });
export default extension;
