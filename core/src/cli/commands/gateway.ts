import { resolve } from "node:path";
import { jsonSink, textSink } from "../../base/log-format.ts";
import type { LogSink } from "../../base/log.ts";
import type { StartOptions } from "../../gateway-options.ts";
import { packageVersion } from "../../version.ts";
import { type Command, defineCommand } from "../command.ts";
import { usage } from "../failure.ts";
import type { Io } from "../io.ts";
import { environmentOf } from "../local.ts";
import { runGateway } from "../run-gateway.ts";
import { startSummary } from "../start-summary.ts";

const MAX_PORT = 65_535;

export const command: Command = defineCommand(
  (yargs) =>
    yargs
      .option("port", {
        type: "string",
        describe: "TCP port, 0 for any free one (OPENCLAW_GATEWAY_PORT)",
        requiresArg: true,
      })
      .option("bind", { type: "string", describe: "loopback, or an IP address of this host", requiresArg: true })
      .option("token", { type: "string", describe: "Shared token (OPENCLAW_GATEWAY_TOKEN)", requiresArg: true })
      .option("extensions", { type: "string", array: true, nargs: 1, describe: "Folder of extensions, repeatable" })
      .option("verbose", { type: "boolean", default: false, describe: "Log debug records too" })
      .example("$0 gateway --extensions ./extensions", "run with the extensions of a folder"),
  async (args, io) => {
    const environment = environmentOf(args, io);
    const port = parsePort(args.port ?? environment.port);
    const options: StartOptions = {
      environment,
      extensions: (args.extensions ?? []).map((path) => resolve(io.cwd, path)),
      console: consoleSink(args.json, io),
      version: packageVersion(),
      ...(port === undefined ? {} : { port }),
      ...(args.bind === undefined ? {} : { bind: args.bind }),
      ...(args.token === undefined ? {} : { token: args.token }),
      ...(args.verbose ? { logLevel: "debug" as const } : {}),
    };
    return runGateway(options, io, (gateway) => {
      if (!args.json) io.out(startSummary(gateway, environment));
    });
  },
);

/** Records are results for `--json`; for people they are side news, and the summary is the result. */
function consoleSink(json: boolean, io: Io): LogSink {
  return json ? jsonSink((line) => io.out(`${line}\n`)) : textSink((line) => io.err(`${line}\n`));
}

function parsePort(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port >= 0 && port <= MAX_PORT) return port;
  throw usage(`the port must be a whole number from 0 to ${MAX_PORT}`);
}
