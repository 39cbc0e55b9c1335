import { readFile, writeFile } from "node:fs/promises";
import extension from "../src/index.ts";

/**
 * Writes `openclaw.extension.json` from the definitions; `--check` only compares and fails on a difference.
 *
 * `entry.runtime` is the one field with two truths: the workspace runs the TypeScript source (through jiti), a published
 * package ships JavaScript and no source. The checked-in file says the former; `--published`, run by `prepack`, says the
 * latter, and `postpack` puts the file back.
 */
const FILE = new URL("../openclaw.extension.json", import.meta.url);
const SOURCE_ENTRY = "./src/index.ts";
const PUBLISHED_ENTRY = "./dist/src/index.js";

const flags = new Set(process.argv.slice(2));
const wanted = `${JSON.stringify(await manifest(), null, 2)}\n`;

if (!flags.has("--check")) {
  await writeFile(FILE, wanted);
} else if ((await readFile(FILE, "utf8").catch(() => "")) !== wanted) {
  process.stderr.write(
    "openclaw.extension.json differs from the definitions; run: npm run manifest -w openclaw-channel-telegram\n",
  );
  process.exitCode = 1;
}

async function manifest(): Promise<object> {
  const about = JSON.parse(await readFile(new URL("../package.json", import.meta.url), "utf8")) as { version: string };
  const { channels, contract } = extension;
  return {
    id: "telegram",
    version: about.version,
    sdk: `^${contract}`,
    entry: { runtime: flags.has("--published") ? PUBLISHED_ENTRY : SOURCE_ENTRY },
    provides: { channels: channels.map(({ id }) => id) },
    config: Object.fromEntries(
      channels.flatMap(({ id, config, account }) => [
        [id, config],
        [`${id}.account`, account],
      ]),
    ),
    permissions: { net: ["config:apiRoot"] },
  };
}
