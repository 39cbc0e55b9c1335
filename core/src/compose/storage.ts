import { type Devices, openDevices } from "../auth/devices.ts";
import type { Clock } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import type { Logger } from "../base/log.ts";
import type { Paths } from "../config/paths.ts";
import { type MediaStore, createMediaStore } from "../media/store.ts";
import { type Sessions, openSessions } from "../sessions/sessions.ts";
import { type Store, openStore } from "../store/db.ts";

/** What lies on disk and what is kept of it in memory. */
export interface Storage {
  readonly store: Store;
  readonly sessions: Sessions;
  readonly devices: Devices;
  readonly media: MediaStore;
  close(): Promise<void>;
}

export interface StorageParts {
  readonly paths: Paths;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
  /** The writer died: nothing can be acknowledged any more. */
  readonly onFatal: (error: Error) => void;
}

export async function openStorage({ paths, clock, ids, log, onFatal }: StorageParts): Promise<Storage> {
  const store = await openStore({ path: paths.database, log: log.child("store"), onFatal });
  try {
    const [sessions, devices] = await Promise.all([
      openSessions({ store, ids }),
      openDevices({ store, clock, ids, log: log.child("auth") }),
    ]);
    return {
      store,
      sessions,
      devices,
      media: createMediaStore({ dir: paths.mediaDir, store, clock, ids }),
      async close() {
        await devices.close();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}
