import {
  type AccountCtx,
  type Capabilities,
  type ChannelDef,
  type Closed,
  type Connection,
  defineChannel,
  isConnectError,
} from "openclaw-host-sdk";
import { createApi } from "./api.ts";
import { AccountSchema, ChannelSchema, settingsOf } from "./config.ts";
import { fetchMedia } from "./media.ts";
import { poll } from "./poll.ts";
import { probe } from "./probe.ts";
import { CAPTION_LIMIT, TEXT_LIMIT, renderOutbound } from "./render/render.ts";
import { send } from "./send/send.ts";
import { openStream } from "./send/stream.ts";
import { parseTarget } from "./targets.ts";
import { createTyping } from "./typing.ts";

/** Telegram keeps updates for 24 h (https://core.telegram.org/bots/api#getting-updates); an hour is added for clocks. */
const REDELIVERY_WINDOW_MS = 25 * 60 * 60 * 1_000;
/** Largest upload to Telegram's own server: https://core.telegram.org/bots/api#sending-files */
const MAX_UPLOAD_BYTES = 50_000_000;

/**
 * What the Bot API can do. Not declared, because it cannot: delete events, read receipts, an idempotency key. Polls
 * could be had and are not built.
 */
const capabilities: Capabilities = {
  peers: ["dm", "group", "channel"],
  threads: true,
  reactions: true,
  edit: {},
  delete: true,
  typing: true,
  media: {
    in: ["image", "audio", "voice", "video", "file", "sticker"],
    out: ["image", "audio", "voice", "video", "file", "sticker"],
    maxBytes: MAX_UPLOAD_BYTES,
  },
  text: { limit: TEXT_LIMIT, captionLimit: CAPTION_LIMIT, unit: "utf16", markdown: true },
  delivery: { idempotent: "none", redeliveryWindowMs: REDELIVERY_WINDOW_MS },
  stream: "edit",
};

/**
 * What a poll may take beyond its own timeout before the link counts as dead, ms: more than `poll` itself waits, which knows
 * better what is wrong.
 */
const LIVENESS_MARGIN_MS = 15_000;

/** A completed poll is the round trip that proves the link, and an idle one completes when its timeout is over. */
const capabilitiesOf = async (account: unknown): Promise<Capabilities> => ({
  ...capabilities,
  livenessMs: settingsOf(account).pollTimeoutSeconds * 1_000 + LIVENESS_MARGIN_MS,
});

/** Telegram through the Bot API: long polling in, one HTTP call per part out. */
export const telegram: ChannelDef = defineChannel({
  id: "telegram",
  label: "Telegram",
  config: ChannelSchema,
  account: AccountSchema,
  capabilities: capabilitiesOf,
  async probe(ctx, call) {
    // A probe answers, it does not throw: a missing token is an answer, too.
    try {
      return await probe(createApi(settingsOf(ctx.config)), call);
    } catch (error) {
      if (!isConnectError(error)) throw error;
      const { detail, fix } = error.data.closed;
      return { ok: false, detail, ...(fix === undefined ? {} : { fix }) };
    }
  },
  connect: async (ctx) => connect(ctx),
  render: async (outbound) => renderOutbound(outbound),
  targets: { parse: async (raw) => parseTarget(raw) },
});

/**
 * Returns at once; `health` turns `ready` with the first completed poll. A link over long polling does not break: failed
 * polls are retried inside while sends go on, and only a refused token or the host's own stop ends it.
 *
 * @throws ConnectError when there is no token.
 */
function connect(ctx: AccountCtx<unknown>): Connection {
  const settings = settingsOf(ctx.config);
  const api = createApi(settings);
  const stopping = new AbortController();
  const typing = createTyping(api, ctx);
  ctx.health({ state: "starting" });
  const closed = poll({
    api,
    ctx,
    timeoutSeconds: settings.pollTimeoutSeconds,
    signal: AbortSignal.any([ctx.signal, stopping.signal]),
  }).catch(brokenOff);
  const stop = async () => {
    stopping.abort();
    await Promise.all([closed, typing.stop()]);
  };
  ctx.effect(stop, "telegram polling and typing");
  return {
    closed,
    send: (outbound, meta) => send({ api, ctx }, outbound, meta),
    openStream: (to, meta) => openStream({ api, ctx }, to, meta),
    fetchMedia: (pending, call) => fetchMedia({ api, ctx, settings }, pending, call),
    typing: async (to, on) => typing.set(to, on),
    drain: stop,
  };
}

/** `closed` settles and never rejects: the host acts on what it says. */
const brokenOff = (error: unknown): Closed => ({
  retry: "backoff",
  code: "internal",
  detail: `polling ended unexpectedly: ${String(error)}`,
});
