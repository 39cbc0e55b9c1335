import type { AccountCtx, Call, MediaRef } from "openclaw-host-sdk";
import { type BotApi, signalOf } from "./api.ts";
import type { Settings } from "./config.ts";
import { parsePending } from "./decode/media.ts";
import { classify } from "./failure.ts";

export interface Fetcher {
  readonly api: Pick<BotApi, "getFile">;
  readonly ctx: Pick<AccountCtx<unknown>, "media">;
  readonly settings: Settings;
}

/**
 * Streams a file that a message announced into the host's media store. Files come from the server the operator named in
 * `apiRoot`, over the same client as every other call; bots can fetch up to 20 MB from Telegram's own server
 * (https://core.telegram.org/bots/api#getfile).
 */
export async function fetchMedia({ api, ctx, settings }: Fetcher, pending: string, call: Call): Promise<MediaRef> {
  const { fileId, kind, mime, name } = parsePending(pending);
  const path = await pathOf(api, fileId, call.signal);
  const response = await fetch(`${settings.apiRoot}/file/bot${settings.botToken}/${path}`, {
    signal: call.signal,
    redirect: "error",
  }).catch((error: unknown) => {
    throw new Error(`the file cannot be downloaded: ${classify(error).description}`);
  });
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw new Error(`the file cannot be downloaded: the server answered ${response.status}`);
  }
  const fileName = name ?? path.split("/").at(-1);
  const stored = await ctx.media.put(response.body, {
    ...(mime === undefined ? {} : { mime }),
    ...(fileName === undefined ? {} : { name: fileName }),
  });
  return { ...stored, kind };
}

async function pathOf(api: Fetcher["api"], fileId: string, signal: AbortSignal): Promise<string> {
  const file = await api.getFile({ file_id: fileId }, signalOf(signal)).catch((error: unknown) => {
    throw new Error(`the file cannot be fetched: ${classify(error).description}`);
  });
  const path = file.file_path;
  if (path === undefined) throw new Error("the file cannot be fetched: the server names no path for it");
  if (path.startsWith("/")) {
    throw new Error(
      "the Bot API server runs in local mode and keeps files on its own disk; start it without --local, or serve files over HTTP",
    );
  }
  const segments = path.split("/");
  if (segments.includes("..")) throw new Error("the file cannot be fetched: the server names a path outside its files");
  return segments.map(encodeURIComponent).join("/");
}
