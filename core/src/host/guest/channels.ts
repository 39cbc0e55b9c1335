import type { AccountCtx, Call, ChannelCtx, ChannelDef, Connection } from "openclaw-host-sdk";
import type { ConnectionFeature, GuestMethods } from "../line/guest-methods.ts";
import type { Handlers } from "../line/handlers.ts";
import type { HostMethods } from "../line/host-methods.ts";
import type { Rpc } from "../line/rpc.ts";
import { accountDoors } from "./account-doors.ts";
import type { Contexts, GuestContext } from "./contexts.ts";
import type { LoadedExtension } from "./load.ts";
import { type StreamMethods, streamHandlers } from "./streams.ts";

type ChannelMethods = Pick<GuestMethods, Extract<keyof GuestMethods, `channel.${string}` | `connection.${string}`>>;

/** What the handlers of channels work with; `definition` throws until the extension is loaded. */
export interface ChannelParts {
  readonly definition: () => LoadedExtension;
  readonly contexts: Contexts;
  readonly rpc: () => Rpc<HostMethods>;
}

/** Serves the channels of the extension: each method finds the definition or the live connection and calls it. */
export function channelHandlers(parts: ChannelParts): Handlers<ChannelMethods> {
  return { ...definitionHandlers(parts), ...connectionHandlers(parts), ...streamHandlers(parts.contexts) };
}

/** Calls of the definition. Each opens its own context and, but for `connect`, closes it at the end. */
function definitionHandlers(
  parts: ChannelParts,
): Handlers<Pick<GuestMethods, Extract<keyof GuestMethods, `channel.${string}`>>> {
  const channel = (id: string): ChannelDef => {
    const found = parts.definition().channels.find((candidate) => candidate.id === id);
    if (found === undefined) throw new Error(`this extension has no channel '${id}'`);
    return found;
  };
  return {
    async "channel.probe"({ context: id, channel: channelId, account, config }, call) {
      const context = parts.contexts.open(id, config);
      try {
        return await channel(channelId).probe(channelContext(context, account), call);
      } finally {
        await context.close();
      }
    },
    "channel.capabilities"({ channel: channelId, config }, call) {
      const { capabilities } = channel(channelId);
      return typeof capabilities === "function" ? capabilities(config, call) : capabilities;
    },
    async "channel.connect"(params, call) {
      const context = parts.contexts.open(params.context, params.config);
      const ctx: AccountCtx<unknown> = {
        ...channelContext(context, params.account),
        self: params.self,
        ...accountDoors(parts.rpc(), context),
      };
      try {
        context.connection = await channel(params.channel).connect(ctx, call);
        if (call.signal.aborted) await abandon(context.connection, call);
      } catch (error) {
        await context.close();
        throw error;
      }
      watch(parts.rpc(), context, context.connection);
      return featuresOf(context.connection);
    },
    async "channel.render"({ channel: channelId, outbound }, call) {
      const parts = await channel(channelId).render?.(outbound, call);
      if (parts === undefined) throw new Error(`the channel '${channelId}' does not render`);
      return parts;
    },
    async "channel.parseTarget"({ channel: channelId, raw }, call) {
      return (await channel(channelId).targets?.parse(raw, call)) ?? null;
    },
  };
}

/** A context in the name of one account, as `probe` gets it. */
function channelContext(context: GuestContext, account: string): ChannelCtx<unknown> {
  return { ...context.base, account };
}

/** The host no longer waits for this link; left open it would take messages nobody hears of. */
async function abandon(connection: Connection, call: Call): Promise<never> {
  await connection.drain(call);
  throw new Error("the host gave up waiting for this connection");
}

/** Tells the host when the link dies. A `closed` that rejects is a fault of the channel, and a dead link all the same. */
function watch(rpc: Rpc<HostMethods>, context: GuestContext, connection: Connection): void {
  const report = (closed: Awaited<Connection["closed"]>) => {
    rpc.note("connection.closed", { context: context.id, closed });
    return context.close();
  };
  const fault = (error: unknown) => {
    const detail = `the channel failed: ${error instanceof Error ? error.message : String(error)}`;
    return report({ retry: "backoff", code: "channel-fault", detail });
  };
  connection.closed.then(report, fault).catch((error: unknown) => context.base.log.error(String(error)));
}

/** The optional functions this connection has; the host offers no others. */
function featuresOf(connection: Connection): ConnectionFeature[] {
  const features: ConnectionFeature[] = [];
  if (connection.reconcile !== undefined) features.push("reconcile");
  if (connection.fetchMedia !== undefined) features.push("fetchMedia");
  if (connection.typing !== undefined) features.push("typing");
  if (connection.openStream !== undefined) features.push("openStream");
  return features;
}

/** Calls of a live connection, found by its context. */
function connectionHandlers({
  contexts,
}: ChannelParts): Handlers<
  Pick<GuestMethods, Exclude<Extract<keyof GuestMethods, `connection.${string}`>, keyof StreamMethods>>
> {
  const live = (id: string): Connection => {
    const { connection } = contexts.need(id);
    if (connection === undefined) throw new Error("this account is still connecting");
    return connection;
  };
  // The host asks only for what the connection was found to have, so these are for a channel that takes a function away.
  const lacks = (what: string) => new Error(`this connection cannot ${what}`);
  return {
    "connection.send": ({ context, outbound, key, part, attempt }, call) =>
      live(context).send(outbound, { key, part, attempt, call }),
    async "connection.reconcile"({ context, outbound, key, part }, call) {
      const answer = await live(context).reconcile?.(outbound, { key, part, call });
      if (answer === undefined) throw lacks("reconcile");
      return answer;
    },
    async "connection.fetchMedia"({ context, pending }, call) {
      const media = await live(context).fetchMedia?.(pending, call);
      if (media === undefined) throw lacks("fetch media");
      return media;
    },
    async "connection.typing"({ context, to, on }, call) {
      await live(context).typing?.(to, on, call);
      return null;
    },
    async "connection.drain"({ context: id }, call: Call) {
      const context = contexts.need(id);
      // A channel that does not end in time is ended: the host forgets this link, and two of one identity must never live.
      const giveUp = () => void context.close();
      call.signal.addEventListener("abort", giveUp, { once: true });
      try {
        await context.connection?.drain(call);
      } finally {
        call.signal.removeEventListener("abort", giveUp);
        await context.close();
      }
      return null;
    },
  };
}
