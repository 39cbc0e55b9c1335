import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { outputs } from "./outputs.ts";

/** `node scripts/generate.ts` writes `generated/`; with `--check` it writes nothing and exits 1 when a file is stale. */
const folder = join(import.meta.dirname, "..", "generated");

function onDisk(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

function check(): void {
  for (const [name, text] of outputs()) {
    if (onDisk(join(folder, name)) === text) continue;
    process.stderr.write(`schemas/generated/${name} is stale: run npm run gen and commit the result\n`);
    process.exitCode = 1;
  }
}

function write(): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of outputs()) writeFileSync(join(folder, name), text);
}

if (process.argv.includes("--check")) check();
else write();
