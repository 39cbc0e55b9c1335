import type { Call, Closed, Outbound, Part } from "openclaw-host-sdk";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { AccountDoors, AccountSpec, ChannelConnection, ChannelPort } from "./channel-port.ts";
import type { HostContext } from "./doors/contexts.ts";
import type { Guest } from "./guest.ts";
import { connectFault, grantFault, sendFault } from "./line-faults.ts";
import type { ConnectionFeature, LoadedChannel } from "./line/guest-methods.ts";
import type { CallOptions } from "./line/rpc.ts";
import { createEgress } from "./net/egress.ts";
import type { MediaBorder } from "./outbound-media.ts";

export interface ChannelBridgeParts {
  readonly extension: string;
  readonly channel: LoadedChannel;
  readonly schema: ChannelPort["schema"];
  /** `permissions.net` of the manifest. */
  readonly net: readonly string[];
  /** The running guest; throws a `LineError` when there is none. */
  readonly guest: () => Guest;
  readonly media: MediaBorder;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * One channel of a guest as the rest of the gateway sees it: opens the context in whose name the guest may use its doors,
 * gives it media handles it can use, and turns a broken line into the contract's errors. The port outlives the guest:
 * calls fail while there is none, and say whether they may be repeated.
 */
export function channelPort(parts: ChannelBridgeParts): ChannelPort {
  const { channel, extension } = parts;
  const options = callOptions(parts.clock);
  const port: ChannelPort = {
    id: channel.id,
    label: channel.label,
    extension,
    schema: parts.schema,
    capabilities: async (spec, call) =>
      parts.guest().rpc.call("channel.capabilities", inAccount(channel.id, spec), options(call)),
    async probe(spec, call) {
      const guest = parts.guest();
      const context = guest.contexts.open(contextOf(parts, spec));
      try {
        return await guest.rpc.call("channel.probe", { context, ...inAccount(channel.id, spec) }, options(call));
      } finally {
        guest.contexts.close(context);
      }
    },
    connect: (spec, doors, call) => connect(parts, { spec, doors, call }),
  };
  return { ...port, ...optionalFunctions(parts) };
}

/** Only what the definition has: the host splits messages itself for a channel without `render`. */
function optionalFunctions(parts: ChannelBridgeParts): Pick<ChannelPort, "render" | "parseTarget"> {
  const { channel, media } = parts;
  const options = callOptions(parts.clock);
  const functions: Pick<ChannelPort, "render" | "parseTarget"> = {};
  if (channel.has.includes("render")) {
    functions.render = async (outbound, call) => {
      const params = { channel: channel.id, outbound: await media.outbound(outbound) };
      const rendered = await parts.guest().rpc.call("channel.render", params, options(call));
      await media.check(rendered.flatMap((part) => part.media ?? []));
      return [...rendered];
    };
  }
  if (channel.has.includes("parseTarget")) {
    functions.parseTarget = async (raw, call) =>
      (await parts.guest().rpc.call("channel.parseTarget", { channel: channel.id, raw }, options(call))) ?? undefined;
  }
  return functions;
}

/** The part of a call that says for whom it is; secrets in `config` are resolved. */
function inAccount(
  channel: string,
  { account, config }: AccountSpec,
): Pick<AccountSpec, "account" | "config" | "channel"> {
  return { channel, account, config };
}

/** What the guest may do in the name of this account: where it keeps data, whom it may reach, under which part it logs. */
function contextOf(parts: ChannelBridgeParts, spec: AccountSpec, account?: HostContext["account"]): HostContext {
  const { extension, net, schema } = parts;
  return {
    scope: `${spec.channel}/${spec.account}`,
    egress: createEgress({ extension, net, schema: schema.account, config: spec.config }),
    log: parts.log.child(spec.account),
    ...(account === undefined ? {} : { account }),
  };
}

/** The deadline of a call as the line wants it. A call whose deadline has passed still gets an answer: a timeout. */
export function callOptions(clock: Clock): (call: Call) => CallOptions {
  return (call) => ({ timeoutMs: Math.max(1, call.deadline - clock.now()), signal: call.signal });
}

/** One attempt to connect an account. */
interface Connecting {
  readonly spec: Parameters<ChannelPort["connect"]>[0];
  readonly doors: AccountDoors;
  readonly call: Call;
}

/** Opens the account's doors before the call, since a channel may receive while it still connects. */
async function connect(parts: ChannelBridgeParts, { spec, doors, call }: Connecting): Promise<ChannelConnection> {
  const closed = Promise.withResolvers<Closed>();
  try {
    const guest = parts.guest();
    const context = guest.contexts.open(contextOf(parts, spec, { doors, closed: closed.resolve }));
    try {
      const params = { context, ...inAccount(parts.channel.id, spec), self: spec.self };
      const features = await guest.rpc.call("channel.connect", params, callOptions(parts.clock)(call));
      return connection({ parts, guest, context, features, closed });
    } catch (error) {
      guest.contexts.close(context);
      throw error;
    }
  } catch (error) {
    throw connectFault(error);
  }
}

/** A connection that stands; `closed` is settled by whichever side ends it first. */
interface Connected {
  readonly parts: ChannelBridgeParts;
  readonly guest: Guest;
  readonly context: string;
  readonly features: readonly ConnectionFeature[];
  readonly closed: PromiseWithResolvers<Closed>;
}

/** The link as `channels/` drives it. Its doors shut when it ends, by whichever side. */
function connection(connected: Connected): ChannelConnection {
  const { parts, guest, context, closed } = connected;
  const options = callOptions(parts.clock);
  let over = false;
  void closed.promise.then(() => (over = true));
  return {
    closed: closed.promise,
    async send(outbound, { key, part, attempt }, call) {
      const granted = await grantMedia(parts.media, outbound, part);
      try {
        return await guest.rpc.call("connection.send", { context, key, attempt, ...granted }, options(call));
      } catch (error) {
        throw sendFault(error);
      }
    },
    async drain(call) {
      if (over) return;
      try {
        await guest.rpc.call("connection.drain", { context }, options(call));
      } finally {
        guest.contexts.close(context);
        closed.resolve({ retry: "never", code: "drained", detail: "the gateway closed this connection" });
      }
    },
    ...connectionFeatures(connected),
  };
}

/** A message with handles that the guest can open. Rejects with a `SendError`: whatever goes wrong here, nothing was sent. */
async function grantMedia(
  media: MediaBorder,
  outbound: Outbound,
  part: Part,
): Promise<{ outbound: Outbound; part: Part }> {
  try {
    return { outbound: await media.outbound(outbound), part: await media.part(part) };
  } catch (error) {
    throw grantFault(error);
  }
}

/** Absent functions tell the caller what the channel cannot do, so they are only there when the guest named them. */
type Features = Pick<ChannelConnection, "reconcile" | "fetchMedia" | "typing" | "openStream">;

function connectionFeatures(connected: Connected): Features {
  const { parts, guest, context, features } = connected;
  const options = callOptions(parts.clock);
  const functions: Features = {};
  if (features.includes("reconcile")) {
    functions.reconcile = async (outbound, { key, part }, call) => {
      const granted = await grantMedia(parts.media, outbound, part);
      return guest.rpc.call("connection.reconcile", { context, key, ...granted }, options(call));
    };
  }
  if (features.includes("fetchMedia")) {
    functions.fetchMedia = async (pending, call) => {
      const media = await guest.rpc.call("connection.fetchMedia", { context, pending }, options(call));
      await parts.media.check([media]);
      return media;
    };
  }
  if (features.includes("typing")) {
    functions.typing = async (to, on, call) => {
      await guest.rpc.call("connection.typing", { context, to, on }, options(call));
    };
  }
  if (features.includes("openStream")) functions.openStream = openStream(connected);
  return functions;
}

/** Drafts are named by their key on the line, so that a handle needs no life of its own there. */
function openStream({ parts, guest, context }: Connected): NonNullable<ChannelConnection["openStream"]> {
  const options = callOptions(parts.clock);
  const known = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw sendFault(error);
    }
  };
  return async (to, opening, call) => {
    const { key } = opening;
    const ids = await known(guest.rpc.call("connection.openStream", { context, to, ...opening }, options(call)));
    return {
      ids,
      async push(text, pushing) {
        await known(guest.rpc.call("connection.pushStream", { context, key, text }, options(pushing)));
      },
      finish: (body, part, finishing) =>
        known(guest.rpc.call("connection.finishStream", { context, key, body, part }, options(finishing))),
      async abort(aborting) {
        await known(guest.rpc.call("connection.abortStream", { context, key }, options(aborting)));
      },
    };
  };
}
