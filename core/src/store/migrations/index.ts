import { m0010 } from "./0010-devices.ts";
import { m0011 } from "./0011-idempotency.ts";
import { m0020 } from "./0020-sessions.ts";
import { m0030 } from "./0030-runs.ts";
import { m0040 } from "./0040-inbox.ts";
import { m0041 } from "./0041-outbox.ts";
import { m0050 } from "./0050-guest-store.ts";
import { m0051 } from "./0051-media.ts";
import { m0060 } from "./0060-pairing.ts";
import { m0063 } from "./0063-upkeep.ts";
import { m0064 } from "./0064-drafts.ts";
import { m0070 } from "./0070-device-links.ts";
import { m0071 } from "./0071-node-pairings.ts";
import { m0080 } from "./0080-audit.ts";
import type { Migration } from "./migration.ts";

/** In order of id. A family adds its own line. */
export const MIGRATIONS: readonly Migration[] = [
  m0010,
  m0011,
  m0020,
  m0030,
  m0040,
  m0041,
  m0050,
  m0051,
  m0060,
  m0063,
  m0064,
  m0070,
  m0071,
  m0080,
];
