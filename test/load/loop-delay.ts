/**
 * Loaded into a gateway with `--import`: writes the event loop's delay since the file `<target>.reset` last appeared, p99 in
 * ms, to the file that LOAD_LOOP_DELAY names.
 */
import { rename, rm, writeFile } from "node:fs/promises";
import { isMainThread } from "node:worker_threads";
import { monitorEventLoopDelay } from "node:perf_hooks";

const WRITE_MS = 100;
const target = process.env["LOAD_LOOP_DELAY"];

if (target !== undefined && isMainThread) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  // Not synchronously: beside the commits of a gateway at work a file operation may take many ms, which would be measured.
  const write = async (): Promise<void> => {
    const wanted = await rm(`${target}.reset`).then(
      () => true,
      () => false,
    );
    if (wanted) delay.reset();
    await writeFile(`${target}.new`, String(delay.percentile(99) / 1e6));
    await rename(`${target}.new`, target);
  };
  let writing = false;
  const tick = async (): Promise<void> => {
    if (writing) return;
    writing = true;
    await write().finally(() => {
      writing = false;
    });
  };
  setInterval(() => void tick().catch(() => {}), WRITE_MS).unref();
}
