import type { ResultOf } from "openclaw-host-schemas";
import type { GatewayClient } from "openclaw-host-sdk/client";
import { formatText } from "../../base/log-format.ts";
import type { LogLevel } from "../../base/log.ts";
import { tailFile } from "../../base/log-tail.ts";
import { isJsonObject } from "../../config/json-schema.ts";
import { type Command, defineCommand } from "../command.ts";
import { CliFailure, EXIT, usage } from "../failure.ts";
import { gatewayOptions, scopesOf, withGateway } from "../gateway-client.ts";
import type { Io } from "../io.ts";
import { environmentOf } from "../local.ts";

const BYTES = 250_000;
const FOLLOW_MS = 1_000;
const MAX_LINES = 5_000;

export const command: Command = defineCommand(
  (yargs) =>
    gatewayOptions(yargs)
      .option("follow", { alias: "f", type: "boolean", default: false, describe: "Go on until interrupted" })
      .option("limit", {
        type: "number",
        default: 200,
        describe: "Newest lines to begin with, 1 to 5000",
        requiresArg: true,
      }),
  async (args, io) => {
    const print = printer(args.json, io);
    const { limit, follow } = args;
    if (!(Number.isInteger(limit) && limit >= 1 && limit <= MAX_LINES)) {
      throw usage(`--limit must be a whole number from 1 to ${MAX_LINES}`);
    }
    try {
      await withGateway({ args, io, scopes: scopesOf("logs.tail") }, async (client) => {
        await show((cursor) => fromGateway(client, limit, cursor), { follow, print, io });
      });
    } catch (error) {
      // The log of a gateway that does not run explains why; another host's log cannot be read.
      if (follow || args.url !== undefined || !(error instanceof CliFailure) || error.exitCode !== EXIT.unreachable)
        throw error;
      const { logFile } = environmentOf(args, io).paths;
      const tail = await tailFile(logFile, { limit, maxBytes: BYTES });
      if (tail.size === 0) io.err(`there is no log yet: no gateway has written ${logFile}\n`);
      tail.lines.forEach(print);
    }
    return EXIT.ok;
  },
);

const fromGateway = (client: GatewayClient, limit: number, cursor?: number): Promise<ResultOf<"logs.tail">> =>
  client.call("logs.tail", { limit, maxBytes: BYTES, ...(cursor === undefined ? {} : { cursor }) });

interface Show {
  readonly follow: boolean;
  readonly print: (line: string) => void;
  readonly io: Io;
}

/** Prints what is there and, when following, whatever is added, until an interrupt. */
async function show(
  read: (cursor?: number) => Promise<ResultOf<"logs.tail">>,
  { follow, print, io }: Show,
): Promise<void> {
  let tail = await read();
  tail.lines.forEach(print);
  if (!follow) return;
  const interrupt = new AbortController();
  const stop = () => interrupt.abort();
  io.signals.on("SIGINT", stop);
  io.signals.on("SIGTERM", stop);
  while (!interrupt.signal.aborted) {
    await pause(FOLLOW_MS, interrupt.signal);
    tail = await read(tail.cursor);
    if (tail.reset === true) io.err("(some lines were skipped: the log was rotated or grew fast)\n");
    tail.lines.forEach(print);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Records as people read them; a line that is no record is shown as it is. */
function printer(json: boolean, io: Io): (line: string) => void {
  return (line) => io.out(`${json ? line : (readable(line) ?? line)}\n`);
}

function readable(line: string): string | undefined {
  try {
    const record: unknown = JSON.parse(line);
    if (!isJsonObject(record)) return undefined;
    const { time, level, part, message, ...fields } = record;
    if (typeof time !== "string" || typeof part !== "string" || typeof message !== "string" || !isLevel(level))
      return undefined;
    return formatText({ at: Date.parse(time), level, part, message, fields });
  } catch {
    return undefined;
  }
}

const isLevel = (level: unknown): level is LogLevel =>
  level === "debug" || level === "info" || level === "warn" || level === "error";
