import { hasCode, writePrivateFile } from "./files.ts";
import { ConfigError } from "./issue.ts";
import { type ConfigFile, type LoadedConfig, checkConfig, readConfigFile } from "./load.ts";
import { parseDotted, withValueAt } from "./dotted-path.ts";
import type { ValidateOptions } from "./validate.ts";

/** One change of a config file; `undefined` removes the key. */
export interface ConfigChange {
  readonly path: string;
  readonly value: unknown;
}

export interface WriteResult {
  readonly loaded: LoadedConfig;
  /** The file had comments, which are gone: json5 reads them and cannot write them. */
  readonly lostComments: boolean;
}

/**
 * Applies changes to the file and writes it as a whole, mode 0600. The rest of the file keeps its values and order, but not
 * its comments and spacing. Throws `ConfigError` and leaves the file alone when it cannot be read or the result has faults
 * that were not there before.
 */
export async function changeConfig(
  file: string,
  changes: readonly ConfigChange[],
  options: ValidateOptions,
): Promise<WriteResult> {
  const before = await readConfigFile(file);
  if (before.parsed === undefined) throw new ConfigError(file, before.issues);
  const parsed = changes.reduce<unknown>(
    (at, change) => withValueAt(at, parseDotted(change.path), change.value),
    before.parsed,
  );
  const known = new Set(checkConfig(before, options).issues.map((issue) => `${issue.path}\n${issue.message}`));
  const after: ConfigFile = { ...before, parsed, issues: [] };
  const loaded = checkConfig(after, options);
  const added = loaded.issues.filter((issue) => !known.has(`${issue.path}\n${issue.message}`));
  if (added.length > 0) throw new ConfigError(file, added);
  await write(file, `${JSON.stringify(parsed, null, 2)}\n`);
  return { loaded, lostComments: hasComments(before.raw ?? "") };
}

async function write(file: string, text: string): Promise<void> {
  try {
    await writePrivateFile(file, text);
  } catch (error) {
    if (!hasCode(error, "EACCES") && !hasCode(error, "EROFS")) throw error;
    throw new Error(`${file} cannot be written: run this as the user who owns it`, { cause: error });
  }
}

/** Comment marks outside of strings. */
function hasComments(raw: string): boolean {
  const withoutStrings = raw.replace(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'/gs, '""');
  return /\/\/|\/\*/.test(withoutStrings);
}
