import { chmodSync } from "node:fs";
import { createRedactor } from "../../base/redact.ts";
import { systemIds } from "../../base/ids.ts";
import { loadSettings } from "../../compose/settings.ts";
import { isConfigError } from "../../config/issue.ts";
import type { Environment } from "../../config/paths.ts";
import { readToken } from "../../config/token.ts";
import type { StartOptions } from "../../gateway-options.ts";
import { openOffline } from "../../store/offline.ts";
import { isStoreError } from "../../store/store-error.ts";
import { packageVersion } from "../../version.ts";
import { type Command, defineCommand } from "../command.ts";
import { EXIT } from "../failure.ts";
import { type Io, printJson } from "../io.ts";
import { type Local, environmentOf, readLocal } from "../local.ts";
import { checkFiles } from "../security/files.ts";
import { type Finding, exitCodeOf, findingsText, sorted } from "../security/finding.ts";
import { checkRecords } from "../security/records.ts";
import { type SettingsFacts, checkSettings } from "../security/settings.ts";

export const command: Command = defineCommand(
  (yargs) =>
    yargs
      .option("fix", { type: "boolean", default: false, describe: "Take modes away that others should not have" })
      .epilogue("Exit code: 0 nothing worse than info, 4 warnings, 1 something critical."),
  async (args, io) => {
    const environment = environmentOf(args, io);
    const found = await audit(environment);
    const fixed = args.fix ? fix(found, io) : [];
    // What was mended must be looked at again: a chmod may have had no effect.
    const left = fixed.length === 0 ? found : await audit(environment);
    if (args.json) printJson(io, { findings: left, fixed });
    else {
      for (const path of fixed) io.out(`fixed ${path}\n`);
      io.out(findingsText(left));
    }
    return left.length === 0 ? EXIT.ok : exitCodeOf(left);
  },
);

async function audit(environment: Environment): Promise<readonly Finding[]> {
  const { paths } = environment;
  const local = await readLocal(environment);
  const files = checkFiles({
    paths,
    extensions: local.extensions.map(({ path }) => path),
    uid: process.getuid?.(),
  });
  return sorted([...files, ...checkSettings(await settingsFacts(local)), ...records(environment)]);
}

const TOKEN_BYTES = 32;

/** As a start of the gateway would see it, without making the token that a first start makes. */
async function settingsFacts(local: Local): Promise<SettingsFacts> {
  const { config, issues, warnings } = local.loaded;
  const known = { config, refused: issues, warnings };
  if (issues.length > 0) return known;
  try {
    const told = await loadSettings(await startOf(local), { ids: systemIds, redactor: createRedactor() });
    const { auth } = told.secret;
    const secret = "token" in auth ? auth.token : "password" in auth ? auth.password : undefined;
    return { ...known, warnings: told.loaded.warnings, ...(secret === undefined ? {} : { secret }) };
  } catch (error) {
    if (!isConfigError(error)) throw error;
    return { ...known, refused: error.issues };
  }
}

/** With the generated token read here: a start would make it, or mend its mode. */
async function startOf({ environment, loaded }: Local): Promise<StartOptions> {
  const start = { environment, extensions: [], console: () => {}, version: packageVersion() };
  const { mode, token } = loaded.config.gateway.auth;
  if (mode !== "token" || token !== undefined || environment.token !== undefined) return start;
  return { ...start, token: (await readToken(environment.paths.tokenFile)) ?? systemIds.token(TOKEN_BYTES) };
}

/** From the database, the gateway running or not; nothing when there is none yet or it is of another release. */
function records({ paths }: Environment): readonly Finding[] {
  try {
    using store = openOffline(paths.database);
    if (store === undefined) return [];
    const now = Date.now();
    return checkRecords({
      devices: store.read("devices.load", null),
      waiting: store.read("waiting.counts", { now }),
      now,
    });
  } catch (error) {
    if (!isStoreError(error)) throw error;
    return [{ severity: "warn", check: "devices", message: error.message, fix: "then run this again" }];
  }
}

/** Returns what was changed. */
function fix(found: readonly Finding[], io: Io): readonly string[] {
  return found.flatMap(({ chmod }) => {
    if (chmod === undefined) return [];
    try {
      chmodSync(chmod.path, chmod.mode);
      return [chmod.path];
    } catch (error) {
      io.err(`${chmod.path}: ${error instanceof Error ? error.message : String(error)}\n`);
      return [];
    }
  });
}
