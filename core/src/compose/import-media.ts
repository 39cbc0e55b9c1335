import type { MediaRef } from "openclaw-host-sdk";
import type { Clock } from "../base/clock.ts";
import { invalidRequest } from "../base/wire-error.ts";
import { createEgress } from "../host/net/egress.ts";
import { createExchanger } from "../host/net/exchange.ts";
import { guardedFetch } from "../host/net/fetch.ts";
import { CORE_OWNER, type MediaStore } from "../media/store.ts";

/** Downloads what a client names by URL. */
export interface MediaImporter {
  /** @throws WireError when the address is private, not http(s), or does not answer with a file. */
  importMedia(url: string): Promise<MediaRef>;
  close(): void;
}

/** Longest download, ms. */
const DOWNLOAD_MS = 60_000;

/** The guard is that of URLs from outside: any public host, never an address of this machine or its networks. */
export function createMediaImporter(media: MediaStore, clock: Clock): MediaImporter {
  const exchanger = createExchanger();
  const egress = createEgress({ extension: CORE_OWNER, net: ["*"], schema: {}, config: {} });
  return {
    async importMedia(url) {
      const late = new AbortController();
      const cancel = clock.after(DOWNLOAD_MS, () => late.abort(new Error("it took longer than 60 s")));
      try {
        const order = {
          context: CORE_OWNER,
          url: parseUrl(url),
          method: "GET",
          headers: [],
          redirect: "follow" as const,
        };
        const { message, body } = await guardedFetch(
          { egress, exchanger },
          { order, body: undefined, signal: late.signal },
        );
        const status = message.statusCode ?? 0;
        if (status !== 200) throw new Error(`the server answered ${status}`);
        const mime = message.headers["content-type"];
        return await media.put(body, { owner: CORE_OWNER, ...(mime === undefined ? {} : { mime }), ...nameOf(url) });
      } catch (error) {
        throw invalidRequest(`mediaUrl cannot be fetched: ${error instanceof Error ? error.message : "unknown error"}`);
      } finally {
        cancel();
      }
    },
    close: () => exchanger.close(),
  };
}

function parseUrl(url: string): string {
  if (URL.canParse(url)) return url;
  throw new Error("it is no address; give an http or https URL");
}

function nameOf(url: string): { name?: string } {
  const name = new URL(url).pathname.split("/").at(-1);
  return name === undefined || name === "" ? {} : { name };
}
