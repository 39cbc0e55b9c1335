import type { Body } from "openclaw-host-sdk";
import type { ChannelConnection, ChannelStream } from "../../host/channel-port.ts";
import type { OutboxClaim } from "../../store/tables/outbox.ts";
import type { GuestCalls } from "../guest-call.ts";

/** One platform call that carries text, ms; after it, nobody knows what the platform shows. */
export const STREAM_CALL_MS = 20_000;

/** Handles of drafts, so that a draft is resumed only by a connection that does not have it. */
export interface OpenStreams {
  /** Resolves when no push of the draft is under way: nothing may arrive after its last edit. */
  quiet(deliveryId: string): Promise<void>;
  get(deliveryId: string, connection: ChannelConnection): ChannelStream | undefined;
  set(deliveryId: string, connection: ChannelConnection, stream: ChannelStream): void;
  delete(deliveryId: string): void;
}

interface Held {
  readonly connection: ChannelConnection;
  readonly stream: ChannelStream;
}

/** As whoever writes the drafts has them. */
export interface DraftStreams extends OpenStreams {
  /** A push is under way. */
  pushing(deliveryId: string, push: Promise<void>): void;
}

export function createOpenStreams(): DraftStreams {
  const held = new Map<string, Held>();
  const pushes = new Map<string, Promise<void>>();
  return {
    quiet: async (deliveryId) => pushes.get(deliveryId),
    get(deliveryId, connection) {
      const found = held.get(deliveryId);
      return found?.connection === connection ? found.stream : undefined;
    },
    set: (deliveryId, connection, stream) => void held.set(deliveryId, { connection, stream }),
    delete: (deliveryId) => void held.delete(deliveryId),
    pushing(deliveryId, push) {
      const quiet = push.then(
        () => {},
        () => {},
      );
      const over = quiet.then(() => {
        if (pushes.get(deliveryId) === over) pushes.delete(deliveryId);
      });
      pushes.set(deliveryId, over);
    },
  };
}

/** As a part of a delivery is named to the channel. */
export const partKey = (claim: Pick<OutboxClaim, "deliveryId" | "part">): string =>
  `${claim.deliveryId}/${claim.part.index}`;

/** How a draft is found again. */
export interface Resumed extends Pick<OutboxClaim, "deliveryId" | "outbound" | "part"> {
  readonly ids: readonly string[];
  readonly signal?: AbortSignal;
}

/** The draft's handle on this connection. Rejects with what the channel threw, or when it cannot stream any more. */
export async function resumeStream(
  parts: { readonly calls: GuestCalls; readonly streams: OpenStreams },
  connection: ChannelConnection,
  draft: Resumed,
): Promise<ChannelStream> {
  const { deliveryId, outbound, part, ids, signal } = draft;
  const known = parts.streams.get(deliveryId, connection);
  if (known !== undefined) return known;
  const text = part.text ?? "";
  const stream = await parts.calls.run(
    { what: "openStream", ms: STREAM_CALL_MS, ...(signal === undefined ? {} : { signal }) },
    (call) => {
      if (connection.openStream === undefined) throw new Error("the channel does not stream any more");
      return connection.openStream(outbound.to, { key: partKey(draft), text, resume: { ids } }, call);
    },
  );
  parts.streams.set(deliveryId, connection, stream);
  return stream;
}

/** The answer's first part as a body, for channels that the host splits for. */
export function bodyOf({ outbound, part }: Pick<OutboxClaim, "outbound" | "part">): Body {
  const format = outbound.type === "message" ? outbound.body.format : undefined;
  return { text: part.text ?? "", ...(format === undefined ? {} : { format }) };
}
