import type { Audit } from "../auth/audit.ts";
import { openAudit } from "../auth/audit-trail.ts";
import { createAuditSealer } from "../auth/audit-verify.ts";
import { existsSync } from "node:fs";
import { type Devices, openDevices } from "../auth/devices.ts";
import { loadServerKey } from "../auth/tokens.ts";
import type { Clock } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import type { MessagePort } from "node:worker_threads";
import type { Logger } from "../base/log.ts";
import type { Problems } from "../base/problems.ts";
import type { Paths } from "../config/paths.ts";
import { type MediaStore, createMediaStore } from "../media/store.ts";
import { type Sessions, openSessions } from "../sessions/sessions.ts";
import { type Store, openStore } from "../store/db.ts";
import { watchDisk } from "../store/writer/disk-watch.ts";

/** What lies on disk and what is kept of it in memory. */
export interface Storage {
  readonly store: Store;
  readonly sessions: Sessions;
  readonly devices: Devices;
  readonly audit: Audit;
  readonly media: MediaStore;
  close(): Promise<void>;
}

export interface StorageParts {
  readonly paths: Paths;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
  readonly problems: Problems;
  /** Most bytes of media. */
  readonly mediaTotalBytes: () => number;
  /** See `StoreOptions`. */
  readonly faults?: MessagePort;
  /** The writer died: nothing can be acknowledged any more. */
  readonly onFatal: (error: Error) => void;
}

export async function openStorage(parts: StorageParts): Promise<Storage> {
  const { paths, clock, ids, problems } = parts;
  const log = parts.log.child("store");
  // The key is made once the database has been.
  const mustExist = existsSync(paths.serverKeyFile);
  const opened = await openStore({ ...parts, path: paths.database, mustExist, log });
  const store = watchDisk({ store: opened, clock, log, problems });
  try {
    const auth = parts.log.child("auth");
    const sealer = createAuditSealer(loadServerKey(paths.serverKeyFile));
    const [sessions, audit, devices] = await Promise.all([
      openSessions({ store, ids }),
      openAudit({ store, clock, log: auth, sealer }),
      openDevices({ store, clock, ids, log: auth }),
    ]);
    return {
      store,
      sessions,
      devices,
      audit,
      media: createMediaStore({ dir: paths.mediaDir, store, clock, ids, maxTotalBytes: parts.mediaTotalBytes }),
      async close() {
        await devices.close();
        await audit.close();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}
