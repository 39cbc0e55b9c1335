import { type OutboundStream, SendError } from "openclaw-host-sdk";
import type { GuestMethods } from "../line/guest-methods.ts";
import type { Handlers } from "../line/handlers.ts";
import type { Contexts } from "./contexts.ts";

/** The calls of drafts. */
export type StreamMethods = Pick<GuestMethods, Extract<keyof GuestMethods, `connection.${string}Stream`>>;

/**
 * Drafts a connection keeps at once. Each is finished or aborted in the end; a host that did neither would make this process
 * grow. The oldest one goes, and is resumed by its ids when it is needed again.
 */
const MAX_STREAMS = 1_000;

/** Serves the drafts of live connections: the channel's handles stay here, the host names them by their keys. */
export function streamHandlers(contexts: Contexts): Handlers<StreamMethods> {
  const ofContext = new WeakMap<object, Map<string, OutboundStream>>();
  const streamsOf = (id: string): Map<string, OutboundStream> => {
    const context = contexts.need(id);
    const streams = ofContext.get(context) ?? new Map<string, OutboundStream>();
    ofContext.set(context, streams);
    return streams;
  };
  const need = (id: string, key: string): OutboundStream => {
    const stream = streamsOf(id).get(key);
    if (stream !== undefined) return stream;
    throw new SendError("this draft is not open here; resume it", { fate: "not-sent", scope: "message" });
  };
  return {
    async "connection.openStream"({ context, to, key, text, replyTo, resume }, call) {
      const streams = streamsOf(context);
      const more = { ...(replyTo === undefined ? {} : { replyTo }), ...(resume === undefined ? {} : { resume }) };
      const stream = await contexts.need(context).connection?.openStream?.(to, { key, text, ...more, call });
      if (stream === undefined) throw new Error("this connection cannot stream");
      streams.delete(key);
      streams.set(key, stream);
      const [oldest] = streams.keys();
      if (streams.size > MAX_STREAMS && oldest !== undefined) streams.delete(oldest);
      return [...stream.ids];
    },
    async "connection.pushStream"({ context, key, text }, call) {
      await need(context, key).push(text, call);
      return null;
    },
    async "connection.finishStream"({ context, key, body, part }, call) {
      const receipt = await need(context, key).finish(body, { part, call });
      streamsOf(context).delete(key);
      return receipt;
    },
    async "connection.abortStream"({ context, key }, call) {
      await need(context, key).abort(call);
      streamsOf(context).delete(key);
      return null;
    },
  };
}
