import { type Inbound, ReceiveError } from "openclaw-host-sdk";
import type { AccountDoors } from "../channel-port.ts";
import type { Handlers } from "../line/handlers.ts";
import type { HostMethods } from "../line/host-methods.ts";
import type { DoorParts } from "./parts.ts";

/** After a failure whose reason names no delay, the same events are offered again after this, ms. */
const RETRY_AFTER_MS = 5_000;

type AccountMethods = Pick<HostMethods, "account.receive" | "account.cursor" | "account.health" | "connection.closed">;

/** The doors of a connected account. */
export function accountDoors(parts: Pick<DoorParts, "contexts" | "media" | "extension">): Handlers<AccountMethods> {
  const doorsOf = (context: string): AccountDoors => {
    const { account } = parts.contexts.need(context);
    if (account === undefined) throw new Error("only a connected account can receive");
    return account.doors;
  };
  return {
    async "account.receive"({ context, batch, cursor }) {
      const doors = doorsOf(context);
      await checkMedia(parts, batch);
      return doors.receive(batch, cursor === undefined ? {} : { cursor });
    },
    "account.cursor": async ({ context }) => (await doorsOf(context).cursor()) ?? null,
    "account.health"({ context, health }) {
      doorsOf(context).health(health);
      return null;
    },
    "connection.closed"({ context, closed }) {
      const { account } = parts.contexts.need(context);
      parts.contexts.close(context);
      account?.closed(closed);
      return null;
    },
  };
}

/** Handles of media that came with a batch; what else is in it is the inbox's business. */
function refsOf(batch: readonly Inbound[]): string[] {
  return batch.flatMap((event: Partial<Inbound> | null) => {
    const body: unknown = event !== null && "body" in event ? event.body : undefined;
    const media: unknown = typeof body === "object" && body !== null && "media" in body ? body.media : undefined;
    if (!Array.isArray(media)) return [];
    return media.flatMap((item: unknown) =>
      typeof item === "object" && item !== null && "ref" in item ? [String(item.ref)] : [],
    );
  });
}

/** A guest may only pass on media that is its own: a handle it guessed or read elsewhere is of no use. */
async function checkMedia(parts: Pick<DoorParts, "media" | "extension">, batch: readonly Inbound[]): Promise<void> {
  for (const ref of refsOf(batch)) {
    if ((await parts.media.find(ref, parts.extension)) !== undefined) continue;
    throw new ReceiveError("an event names media that this extension does not have", { retryAfterMs: RETRY_AFTER_MS });
  }
}
