import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startGatewayProcess } from "openclaw-host-testing";
import { type LoadClient, connectLoadClient } from "./client.ts";

/** Between the requests of the authenticated client, ms. */
const EVERY_MS = 2;
/** Requests before the strangers come, so that nothing is measured that is only slow the first time. */
const WARM_UP = 300;
/** The probe writes every 100 ms. */
const LOOK_MS = 20;
const AFTER_MS = 250;

const strangersFile = fileURLToPath(new URL("./strangers.ts", import.meta.url));
const probe = new URL("./longest-stretch.ts", import.meta.url).href;

interface Told {
  /** Sockets that strangers opened. */
  readonly opened: number;
  /** Of these, how many the gateway still kept when the last one had come. */
  readonly kept: number;
}

export interface HalfOpenLoad extends Told {
  /** Times of the authenticated client's requests while strangers came, ms. */
  readonly callsMs: readonly number[];
  /** The most processor time that the gateway's main thread spent at a stretch meanwhile, ms. */
  readonly longestMs: number;
}

/** An authenticated client asks at a steady pace while a process opens so many sockets and leaves them half open. */
export async function loadHalfOpen(strangers: number): Promise<HalfOpenLoad> {
  const folder = await mkdtemp(join(tmpdir(), "openclaw-load-"));
  const stretch = join(folder, "stretch");
  try {
    await using gateway = await startGatewayProcess({
      env: { NODE_OPTIONS: `--import=${probe}`, LOAD_STRETCH: stretch },
    });
    const client = await connectLoadClient(gateway);
    try {
      for (let call = 0; call < WARM_UP; call += 1) await client.call("status", {});
      writeFileSync(`${stretch}.reset`, "");
      while (existsSync(`${stretch}.reset`)) await sleep(LOOK_MS);
      const measured = await askWhile(client, () => flood(gateway.port, strangers));
      await sleep(AFTER_MS);
      return { ...measured, longestMs: Number(readFileSync(stretch, "utf8")) };
    } finally {
      client.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function flood(port: number, strangers: number): Promise<Told> {
  const child = fork(strangersFile, [String(port), String(strangers)], { execArgv: [] });
  const gone = once(child, "exit");
  const failed = gone.then(([code]) => Promise.reject(new Error(`the strangers ended with ${String(code)}`)));
  const told: unknown[] = await Promise.race([once(child, "message"), failed]);
  await gone;
  return told[0] as Told;
}

async function askWhile(client: LoadClient, act: () => Promise<Told>): Promise<Told & { callsMs: number[] }> {
  const over = new AbortController();
  const acting = act().finally(() => over.abort());
  // It is awaited below; until then a failure only ends the loop.
  acting.catch(() => undefined);
  const callsMs: number[] = [];
  const asked: Promise<void>[] = [];
  for (let due = performance.now(); !over.signal.aborted; due += EVERY_MS) {
    await sleep(Math.max(0, due - performance.now()));
    // From when it was due, and without waiting for the one before: a stall is met by every request that falls into it.
    const from = due;
    asked.push(client.call("status", {}).then(() => void callsMs.push(performance.now() - from)));
  }
  await Promise.all(asked);
  return { callsMs, ...(await acting) };
}
