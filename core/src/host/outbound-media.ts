import type { TranscriptMessage } from "openclaw-host-schemas";
import type { Body, MediaRef, Outbound, Part } from "openclaw-host-sdk";
import { mediaOf } from "../agent/transcript-message.ts";
import { isWireError } from "../base/wire-error.ts";
import type { MediaStore } from "../media/store.ts";

/** Media handles at the border of one extension. A handle is of use to its owner only. */
export interface MediaBorder {
  /** The same message with handles that are valid for the extension. */
  outbound(outbound: Outbound): Promise<Outbound>;
  part<P extends Omit<Part, "index" | "of">>(part: P): Promise<P>;
  /** The same conversation for an agent. Media that is no longer in the store is left out, so that an old picture ends no turn. */
  transcript(messages: readonly TranscriptMessage[]): Promise<TranscriptMessage[]>;
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
    transcript: (messages) => grantedTranscript(messages, granting(media, extension)),
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

/** Looks one handle up; undefined when there is no such media any more. */
type Grant = (ref: string) => Promise<string | undefined>;

/** A conversation names the same media again and again; each is granted once. */
function granting(media: MediaStore, extension: string): Grant {
  const asked = new Map<string, Promise<string | undefined>>();
  const ask = async (ref: string) => {
    try {
      return (await media.grant(ref, extension)).ref;
    } catch (error) {
      if (isWireError(error)) return undefined;
      throw error;
    }
  };
  return (ref) => {
    const answer = asked.get(ref) ?? ask(ref);
    asked.set(ref, answer);
    return answer;
  };
}

function grantedTranscript(messages: readonly TranscriptMessage[], grant: Grant): Promise<TranscriptMessage[]> {
  return Promise.all(
    messages.map(async (message) => {
      const media = await Promise.all(mediaOf(message).map(async (item) => ({ ...item, ref: await grant(item.ref) })));
      const { content } = message;
      return {
        ...message,
        ...("media" in message ? { media: media.filter(({ ref }) => ref !== undefined) } : {}),
        content: typeof content === "string" ? content : await Promise.all(content.map((block) => shown(block, grant))),
      };
    }),
  );
}

type Block = Exclude<TranscriptMessage["content"], string>[number];

/** A picture without its blob is shown as one that was left out. */
async function shown(block: Block, grant: Grant): Promise<Block> {
  if (block.type !== "image" || block.ref === undefined) return block;
  const { ref: own, ...rest } = block;
  const ref = await grant(own);
  return ref === undefined ? { ...rest, omitted: true } : { ...rest, ref };
}
