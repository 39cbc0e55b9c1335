import { Api } from "grammy";
import type { Settings } from "./config.ts";
import { botFetch } from "./http.ts";

/** grammY's typed calls; `raw` takes one object per call, exactly as the Bot API documents it. */
export type BotApi = Api["raw"];

type GrammySignal = NonNullable<Parameters<BotApi["getMe"]>[0]>;

/** Longer than any deadline of ours, seconds: the deadlines that count are the signals passed with each call. */
const NO_OWN_TIMEOUT_SECONDS = 3_600;

/**
 * A Bot API client for one bot. grammY does the typing, the encoding and the upload streams; its own polling, retries and
 * error handling stay unused, since those belong to the poller here and to the host.
 */
export function createApi(settings: Settings): BotApi {
  const api = new Api(settings.botToken, {
    apiRoot: settings.apiRoot,
    timeoutSeconds: NO_OWN_TIMEOUT_SECONDS,
    fetch: botFetch as never,
  });
  return api.raw;
}

/** grammY types its signals by a polyfill class whose event types the platform's signal does not match. */
export const signalOf = (signal: AbortSignal): GrammySignal => signal as unknown as GrammySignal;
