import type { Body, Call, OutboundStream, Part, Peer, StreamMeta } from "openclaw-host-sdk";
import { renderOutbound } from "../render/render.ts";
import { type Sender, send } from "./send.ts";

/** The first piece of a text that is still being written; Markdown that is not closed yet shows as it is. */
function partOf(to: Peer, text: string): Part {
  const body: Body = { text, format: "markdown" };
  const [first = { text }] = renderOutbound({ type: "message", to, body });
  return { ...first, index: 0, of: 1 };
}

/**
 * A draft is an ordinary message that is edited until it is the answer. Bots may edit what they wrote at any time, and an edit
 * that changes nothing is no error here: https://core.telegram.org/bots/api#editmessagetext
 */
export async function openStream(sender: Sender, to: Peer, meta: StreamMeta): Promise<OutboundStream> {
  const { key, text, replyTo, resume } = meta;
  const ids = resume?.ids ?? (await post());
  const [messageId = ""] = ids;
  const edit = (body: Body, part: Part, call: Call) =>
    send(sender, { type: "edit", to, messageId, body }, { key, part: { ...part, index: 0, of: 1 }, attempt: 1, call });

  async function post(): Promise<readonly string[]> {
    const replies = replyTo === undefined ? {} : { replyTo };
    const outbound = { type: "message", to, body: { text, format: "markdown" }, ...replies } as const;
    const receipt = await send(sender, outbound, { key, part: partOf(to, text), attempt: 1, call: meta.call });
    return receipt.ids;
  }

  return {
    ids,
    async push(soFar, call) {
      await edit({ text: soFar }, partOf(to, soFar), call);
    },
    finish: (body, { part, call }) => edit(body, part, call),
    async abort(call) {
      await send(sender, { type: "delete", to, messageId }, { key, part: { index: 0, of: 1 }, attempt: 1, call });
    },
  };
}
