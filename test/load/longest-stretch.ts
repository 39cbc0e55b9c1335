/**
 * Loaded into a gateway with `--import`: writes the most processor time, ms, that its main thread spent without a look at anything
 * else since the file `<target>.reset` last appeared, to the file that LOAD_STRETCH names. A delay of the event loop also grows
 * when other programs have the processor; this does not.
 */
import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { isMainThread } from "node:worker_threads";

const LOOK_MS = 2;
const WRITE_MS = 100;
const target = process.env["LOAD_STRETCH"];

if (target !== undefined && isMainThread) {
  const spentMs = () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1_000;
  };
  let before = spentMs();
  let longest = 0;
  const look = () => {
    const now = spentMs();
    longest = Math.max(longest, now - before);
    before = now;
  };
  const write = () => {
    if (existsSync(`${target}.reset`)) {
      longest = 0;
      rmSync(`${target}.reset`);
    }
    writeFileSync(`${target}.new`, String(longest));
    renameSync(`${target}.new`, target);
  };
  setInterval(look, LOOK_MS).unref();
  setInterval(write, WRITE_MS).unref();
}
