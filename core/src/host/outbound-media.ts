import type { Body, MediaRef, Outbound, Part } from "openclaw-host-sdk";
import type { MediaStore } from "../media/store.ts";

/** Media handles at the border of one extension. A handle is of use to its owner only. */
export interface MediaBorder {
  /** The same message with handles that are valid for the extension. */
  outbound(outbound: Outbound): Promise<Outbound>;
  part<P extends Omit<Part, "index" | "of">>(part: P): Promise<P>;
  /** Rejects when the extension answers with media that is not its own. */
  check(media: readonly MediaRef[]): Promise<void>;
}

/** Handles are granted anew at each crossing; the store gives the same one each time, so that a retry adds nothing. */
export function createMediaBorder(media: MediaStore, extension: string): MediaBorder {
  const granted = (refs: readonly MediaRef[]) =>
    Promise.all(
      refs.map(async (ref): Promise<MediaRef> => ({ ...ref, ref: (await media.grant(ref.ref, extension)).ref })),
    );
  const body = async (from: Body): Promise<Body> => {
    if (from.media === undefined) return from;
    const ready = from.media.filter((item): item is MediaRef => "ref" in item);
    return { ...from, media: await granted(ready) };
  };
  return {
    async outbound(outbound) {
      if (outbound.type !== "message" && outbound.type !== "edit") return outbound;
      return { ...outbound, body: await body(outbound.body) };
    },
    part: async (part) => (part.media === undefined ? part : { ...part, media: await granted(part.media) }),
    async check(refs) {
      for (const { ref } of refs) {
        if ((await media.find(ref, extension)) === undefined) {
          throw new Error(`the extension '${extension}' answered with media that it does not have`);
        }
      }
    },
  };
}
