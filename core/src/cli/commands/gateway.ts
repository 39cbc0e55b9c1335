import { resolve } from "node:path";
import { jsonSink, textSink } from "../../base/log-format.ts";
import type { LogSink } from "../../base/log.ts";
import type { RunningGateway } from "../../gateway-options.ts";
import { packageVersion } from "../../version.ts";
import { type Command, defineCommand } from "../command.ts";
import { CliFailure, EXIT, type ExitCode, usage } from "../failure.ts";
import type { Io } from "../io.ts";
import { environmentOf } from "../local.ts";
import { startSummary } from "../start-summary.ts";

/** A gateway that does not end in this time after a signal is ended; what it had accepted is in its tables. */
const STOP_MS = 4_800;
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
    const { startGateway } = await import("../../gateway.ts");
    const gateway = await startGateway({
      environment,
      extensions: (args.extensions ?? []).map((path) => resolve(io.cwd, path)),
      console: consoleSink(args.json, io),
      version: packageVersion(),
      ...(port === undefined ? {} : { port }),
      ...(args.bind === undefined ? {} : { bind: args.bind }),
      ...(args.token === undefined ? {} : { token: args.token }),
      ...(args.verbose ? { logLevel: "debug" as const } : {}),
    });
    if (!args.json) io.out(startSummary(gateway, environment));
    return untilStopped(gateway, io);
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

/** Resolves when a signal stopped the gateway; throws when it ended by itself. */
async function untilStopped(gateway: RunningGateway, io: Io): Promise<ExitCode> {
  const signalled = Promise.withResolvers<NodeJS.Signals>();
  const onSignal = { SIGINT: () => signalled.resolve("SIGINT"), SIGTERM: () => signalled.resolve("SIGTERM") };
  // An error outside of every request is a bug: told with its stack, and no reason to drop everybody's connection.
  const onBug = (cause: unknown) => gateway.log.error("uncaught error; please report it", { error: cause });
  io.signals.on("SIGINT", onSignal.SIGINT);
  io.signals.on("SIGTERM", onSignal.SIGTERM);
  io.signals.on("uncaughtException", onBug);
  io.signals.on("unhandledRejection", onBug);
  const ended = gateway.closed.then(() => undefined);
  const signal = await Promise.race([signalled.promise, ended]);
  if (signal === undefined) throw new CliFailure("the gateway ended by itself: its log says why");
  await inTime(gateway.close(`stopped by ${signal}`), STOP_MS, () => {
    gateway.log.warn("closing took too long; ending now, the rest goes on at the next start");
  });
  return EXIT.ok;
}

async function inTime(work: Promise<void>, ms: number, late: () => void): Promise<void> {
  const timer = Promise.withResolvers<"late">();
  const cancel = setTimeout(() => timer.resolve("late"), ms);
  const first = await Promise.race([work, timer.promise]);
  clearTimeout(cancel);
  if (first === "late") late();
}
