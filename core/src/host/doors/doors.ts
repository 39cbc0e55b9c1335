import { mkdir } from "node:fs/promises";
import type { Handlers } from "../line/handlers.ts";
import type { HostMethods } from "../line/host-methods.ts";
import { accountDoors } from "./account.ts";
import { fetchDoor } from "./fetch.ts";
import { logDoors } from "./log.ts";
import type { DoorParts } from "./parts.ts";

/** Readable for the gateway's own user alone. */
const DIR_MODE = 0o700;

/** Everything a guest can ask of the host. Arguments were checked; each door looks up in whose name the call comes. */
export function createDoors(parts: DoorParts): Handlers<HostMethods> {
  return {
    ...storeDoors(parts),
    ...mediaDoors(parts),
    ...accountDoors(parts),
    ...logDoors(parts),
    fetch: fetchDoor(parts),
    async dir({ context }) {
      parts.contexts.need(context);
      await mkdir(parts.dataDir, { recursive: true, mode: DIR_MODE });
      return parts.dataDir;
    },
    "stream.read": ({ stream }) => parts.streams.read(stream),
    async "stream.cancel"({ stream }) {
      await parts.streams.cancel(stream);
      return null;
    },
  };
}

/** The scope comes from the context, never from the guest. */
function storeDoors(parts: DoorParts): Handlers<Pick<HostMethods, "store.get" | "store.list" | "store.batch">> {
  const { extension, store } = parts;
  const scopeOf = (context: string) => ({ extension, scope: parts.contexts.need(context).scope });
  return {
    "store.get": ({ context, keys }) => store.run("guestStore.get", { ...scopeOf(context), keys }),
    "store.list": ({ context, ...page }) => store.run("guestStore.list", { ...scopeOf(context), ...page }),
    "store.batch": ({ context, ops }) => store.run("guestStore.batch", { ...scopeOf(context), ops }),
  };
}

/** What a guest puts belongs to it; it opens only what belongs to it. */
function mediaDoors(parts: DoorParts): Handlers<Pick<HostMethods, "media.put" | "media.open">> {
  const { extension, media, spool } = parts;
  return {
    "media.put": ({ context, file, ...described }) => {
      parts.contexts.need(context);
      return spool.ingest(file, { owner: extension, ...described });
    },
    async "media.open"({ context, ref }) {
      parts.contexts.need(context);
      if ((await media.find(ref, extension)) === undefined) {
        throw new Error("this extension has no such media; open the handle it was given");
      }
      return spool.lend(ref);
    },
  };
}
