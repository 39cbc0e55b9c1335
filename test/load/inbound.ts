import { readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startGatewayProcess } from "openclaw-host-testing";

const MESSAGES = 10_000;
const BATCH = 100;
const PEERS = 2_000;
/** Echo needs no time: what limits it should not be measured. */
const CONCURRENT = 64;
const LOOK_MS = 100;
const PATIENCE_MS = 60_000;

const extensionsDir = fileURLToPath(new URL(".", import.meta.url));
const probe = new URL("./loop-delay.ts", import.meta.url).href;

export interface InboundLoad {
  /** From the first stored event to the last stored intent. */
  readonly perSecond: number;
  readonly loopDelayMs: number;
}

const number = (db: DatabaseSync, sql: string): number => Number(Object.values(db.prepare(sql).get() ?? {})[0] ?? 0);

async function untilStored(db: DatabaseSync, onBegin: () => void): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  let begun = false;
  while (number(db, "SELECT COALESCE(MAX(id), 0) FROM outbox") < MESSAGES) {
    if (performance.now() > giveUpAt) throw new Error("the gateway did not answer every message in time");
    if (!begun && number(db, "SELECT COALESCE(MAX(id), 0) FROM inbox") > 0) {
      begun = true;
      onBegin();
    }
    await sleep(LOOK_MS);
  }
}

/** Messages of a channel, as fast as they are taken, each answered by the echo agent. */
export async function floodInbound(): Promise<InboundLoad> {
  const folder = await mkdtemp(join(tmpdir(), "openclaw-load-"));
  const delays = join(folder, "loop-delay");
  try {
    await using gateway = await startGatewayProcess({
      extensions: [extensionsDir],
      config: {
        agents: { defaults: { maxConcurrent: CONCURRENT } },
        channels: { flood: { messages: MESSAGES, batch: BATCH, peers: PEERS, dmPolicy: "open", allowFrom: ["*"] } },
      },
      env: { NODE_OPTIONS: `--import=${probe}`, LOAD_LOOP_DELAY: delays },
    });
    const db = new DatabaseSync(join(gateway.stateDir, "host.db"), { readOnly: true, timeout: 5_000 });
    await untilStored(db, () => writeFileSync(`${delays}.reset`, ""));
    const loopDelayMs = Number(readFileSync(delays, "utf8"));
    const tookMs = number(db, "SELECT (SELECT MAX(ended_at) FROM runs) - (SELECT MIN(received_at) FROM inbox)");
    db.close();
    return { perSecond: (MESSAGES * 1_000) / tookMs, loopDelayMs };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
