/**
 * Loaded into a gateway with `--import`: when the file `<target>.ask` appears, each thread collects its garbage and writes how
 * much of its heap is in use, bytes, to `<target>.<thread>`. SOAK_COLLECT names the target.
 */
import { existsSync, renameSync, writeFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { threadId } from "node:worker_threads";

const LOOK_MS = 200;
const target = process.env["SOAK_COLLECT"];

if (target !== undefined) {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as (how: { type: "major"; flavor: "last-resort" }) => void;
  let answered = false;
  const look = () => {
    if (!existsSync(`${target}.ask`)) return void (answered = false);
    if (answered) return;
    answered = true;
    // Gives back what V8 keeps in reserve, which depends on how busy the machine was.
    collect({ type: "major", flavor: "last-resort" });
    const { heapUsed, external } = process.memoryUsage();
    writeFileSync(`${target}.new-${threadId}`, String(heapUsed + external));
    renameSync(`${target}.new-${threadId}`, `${target}.${threadId}`);
  };
  setInterval(look, LOOK_MS).unref();
}
