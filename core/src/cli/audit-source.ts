import type { AuditReport, ResultOf } from "openclaw-host-schemas";
import type { GatewayClient } from "openclaw-host-sdk/client";
import type { Argv } from "yargs";
import { createAuditSealer, verifyAudit } from "../auth/audit-verify.ts";
import { readServerKey } from "../auth/tokens.ts";
import type { Paths } from "../config/paths.ts";
import { type OfflineStore, openOffline } from "../store/offline.ts";
import type { AuditLink } from "../store/tables/audit-record.ts";
import type { CommonArgs } from "./command.ts";
import { CliFailure, EXIT } from "./failure.ts";
import { type GatewayArgs, gatewayOptions, scopesOf, withGateway } from "./gateway-client.ts";
import type { Io } from "./io.ts";
import { environmentOf } from "./local.ts";

export interface AuditArgs extends GatewayArgs {
  readonly offline: boolean;
}

/** Options of the commands that read the trail. */
export function auditOptions<T>(yargs: Argv<T>): Argv<T & AuditArgs> {
  return gatewayOptions(yargs).option("offline", {
    type: "boolean",
    default: false,
    describe: "Read the database itself and ask no gateway",
  });
}

interface Reading<T> {
  readonly args: AuditArgs & Partial<CommonArgs>;
  readonly io: Io;
  readonly asked: (client: GatewayClient) => Promise<T>;
  readonly read: (store: OfflineStore, paths: Paths) => Promise<T> | T;
}

/** Asks the gateway; reads its database when it is this host's own and does not run. */
export async function readAudit<T>(reading: Reading<T>): Promise<T> {
  const { args, io, asked } = reading;
  if (args.offline) return readOffline(reading);
  try {
    return await withGateway({ args, io, scopes: scopesOf("audit.list", "audit.verify") }, asked);
  } catch (error) {
    const stopped = error instanceof CliFailure && error.exitCode === EXIT.unreachable && args.url === undefined;
    if (!stopped) throw error;
    io.err("no gateway is running: this is read from its database\n");
    return readOffline(reading);
  }
}

async function readOffline<T>({ args, io, read }: Reading<T>): Promise<T> {
  const { paths } = environmentOf(args, io);
  using store = openOffline(paths.database);
  if (store === undefined) {
    throw new CliFailure(`${paths.database} does not exist: name the state directory with --state-dir`);
  }
  return await read(store, paths);
}

/** The report on a database that is only read. */
export async function offlineReport(store: OfflineStore, paths: Paths, expected?: AuditLink): Promise<AuditReport> {
  const key = readServerKey(paths.serverKeyFile);
  if (key === undefined) {
    throw new CliFailure(`${paths.serverKeyFile} is missing: the trail is sealed with it; restore it from a backup`);
  }
  const source = {
    state: () => store.read("audit.state", null),
    walk: (args: { readonly after: number; readonly limit: number }) => store.read("audit.walk", args),
  };
  const { faults, ...report } = await verifyAudit(source, createAuditSealer(key), expected);
  return { ...report, faults: faults.map((fault) => ({ ...fault })) };
}

export type AuditPage = ResultOf<"audit.list">;
