import { enableCompileCache } from "node:module";
import { homedir } from "node:os";
import { packageVersion } from "./version.ts";

// Compiled code is kept between runs: it halves the start of a command.
enableCompileCache();

const args = process.argv.slice(2);

// A reader that went away (`openclaw logs | head`) ends a command; a gateway lives on without its terminal.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", () => {
    if (args[0] !== "gateway") process.exit(0);
  });
}

if (args.length === 1 && args[0] === "--version") {
  process.stdout.write(`${packageVersion()}\n`);
} else {
  const { runCli } = await import("./cli/run.ts");
  const code = await runCli(args, {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    stdin: process.stdin,
    env: process.env,
    home: homedir(),
    cwd: process.cwd(),
    platform: process.platform,
    signals: process,
  });
  // A peer that is slow to close its socket must not keep a finished command alive.
  process.stdout.write("", () => process.exit(code));
}
