/**
 * Loaded into a gateway with `--import`: writes the event loop's delay since the file `<target>.reset` last appeared, p99 in
 * ms, to the file that LOAD_LOOP_DELAY names.
 */
import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { isMainThread } from "node:worker_threads";
import { monitorEventLoopDelay } from "node:perf_hooks";

const WRITE_MS = 100;
const target = process.env["LOAD_LOOP_DELAY"];

if (target !== undefined && isMainThread) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const write = () => {
    if (existsSync(`${target}.reset`)) {
      rmSync(`${target}.reset`);
      delay.reset();
    }
    writeFileSync(`${target}.new`, String(delay.percentile(99) / 1e6));
    renameSync(`${target}.new`, target);
  };
  setInterval(write, WRITE_MS).unref();
}
