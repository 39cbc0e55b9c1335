import yargs, { type Argv } from "yargs";
import { packageVersion } from "../version.ts";
import type { Entry } from "./command.ts";
import { COMMANDS } from "./commands/index.ts";
import { EXIT, type ExitCode, describeFailure, usage } from "./failure.ts";
import type { Io } from "./io.ts";

/** Runs one command line and resolves with its exit code. Never throws. */
export async function runCli(args: readonly string[], io: Io): Promise<ExitCode> {
  let code: ExitCode | undefined;
  const parser = root(io, (result) => (code = result));
  try {
    // With the callback yargs hands over what it would print, help and completions included.
    await parser.parseAsync([...args], {}, (_error, _argv, output) => {
      if (output !== "") io.out(`${output}\n`);
    });
    return code ?? EXIT.ok;
  } catch (error) {
    const failure = describeFailure(error);
    io.err(args.includes("--json") ? `${JSON.stringify({ error: failure.data })}\n` : `${failure.text}\n`);
    return failure.exitCode;
  }
}

function root(io: Io, done: (code: ExitCode) => void): Argv {
  const parser = yargs([])
    .scriptName("openclaw")
    .usage("$0 <command>\n\nA self-hosted messaging gateway: one process owns your channels and your agent.")
    .version(packageVersion())
    .option("json", { type: "boolean", default: false, describe: "Print JSON, for programs", global: true })
    .option("config", {
      type: "string",
      describe: "Config file (OPENCLAW_CONFIG_PATH)",
      global: true,
      requiresArg: true,
    })
    .option("state-dir", {
      type: "string",
      describe: "State directory (OPENCLAW_STATE_DIR)",
      global: true,
      requiresArg: true,
    })
    .completion("completion", "Print a completion script for your shell")
    .demandCommand(1, "name a command, like: openclaw gateway")
    .recommendCommands()
    .strict()
    .exitProcess(false)
    .fail((message, error) => {
      // yargs reports its own findings as text or as its own error, and passes on what a command threw.
      throw error === undefined || error.name === "YError" ? usage(`${message}\nsee openclaw --help`) : error;
    });
  for (const entry of COMMANDS) add(parser, entry, { io, done });
  return parser;
}

interface Given {
  readonly io: Io;
  done(code: ExitCode): void;
}

/** Registers a command whose module is loaded only when it is needed. */
function add(parser: Argv, entry: Entry, given: Given): void {
  const { load, children = [] } = entry;
  const name = entry.command.split(" ")[0] ?? "";
  parser.command({
    command: entry.command,
    describe: entry.describe,
    builder: async (yargs) => {
      for (const child of children) add(yargs, child, given);
      if (load === undefined) return yargs.demandCommand(1, `name what to do, see openclaw ${name} --help`);
      return (await load()).command.options(yargs);
    },
    handler: async (args) => {
      if (load === undefined) return;
      given.done(await (await load()).command.run(args, given.io));
    },
  });
}
