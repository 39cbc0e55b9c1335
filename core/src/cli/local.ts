import {
  type ConfiguredRoot,
  type ConfigFile,
  type LoadedConfig,
  checkConfig,
  extensionRoots,
  readConfigFile,
} from "../config/load.ts";
import { type Environment, readEnvironment } from "../config/paths.ts";
import { type RunningRecord, readRunning } from "../config/running.ts";
import { type ValidateOptions, validateOptionsOf } from "../config/validate.ts";
import { type Discovered, discoverExtensions } from "../host/discover/discover.ts";
import type { CommonArgs } from "./command.ts";
import type { Io } from "./io.ts";

/** Paths and variables as the flags of a command see them. */
export function environmentOf(args: Partial<CommonArgs>, io: Io): Environment {
  return readEnvironment({
    env: io.env,
    home: io.home,
    cwd: io.cwd,
    ...(args.stateDir === undefined ? {} : { stateDir: args.stateDir }),
    ...(args.config === undefined ? {} : { configFile: args.config }),
  });
}

/** What this host knows of its gateway and its extensions without asking them. */
export interface Local {
  readonly environment: Environment;
  readonly file: ConfigFile;
  /** The verdict on it. */
  readonly loaded: LoadedConfig;
  readonly running: RunningRecord;
  readonly extensions: readonly Discovered[];
  readonly validation: ValidateOptions;
}

/** Reads config, manifests and the running gateway's record. `roots` are the folders of `--extensions`. */
export async function readLocal(environment: Environment, roots: readonly string[] = []): Promise<Local> {
  const { paths } = environment;
  const [file, running] = await Promise.all([readConfigFile(paths.configFile), readRunning(paths.runningFile)]);
  const extensions = await discoverExtensions({
    roots: knownRoots(environment, { roots, parsed: file.parsed, running }),
  });
  const validation = validateOptionsOf(extensions);
  return { environment, file, loaded: checkConfig(file, validation), running, extensions, validation };
}

/** Without flags, the folders the gateway was last started with count too. */
function knownRoots(
  { paths }: Environment,
  known: { roots: readonly string[]; parsed: unknown; running: RunningRecord },
): ConfiguredRoot[] {
  const configured = extensionRoots(known.roots, known.parsed, paths);
  if (known.roots.length > 0) return [...configured];
  const remembered = known.running.extensions.map((path) => ({ path, required: false }));
  return [...remembered, ...configured.map((root) => ({ ...root, required: false }))];
}
