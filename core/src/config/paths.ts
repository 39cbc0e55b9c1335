import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";

/** Where everything on disk lives. All paths are absolute. */
export interface Paths {
  readonly stateDir: string;
  readonly configFile: string;
  /** Relative paths inside the config start here. */
  readonly configDir: string;
  /** Everything durable. */
  readonly database: string;
  /** The state directory's lock. */
  readonly lockFile: string;
  readonly logsDir: string;
  readonly logFile: string;
  /** The generated gateway token. */
  readonly tokenFile: string;
  /** Address of the gateway that runs on this state directory. */
  readonly runningFile: string;
  /** Key that device tokens are derived from. */
  readonly serverKeyFile: string;
  /** The gateway's own certificate and its key. */
  readonly tlsCertFile: string;
  readonly tlsKeyFile: string;
  /** Identity of the command line as a device. */
  readonly identityFile: string;
  readonly mediaDir: string;
  readonly cacheDir: string;
  /** Installed extensions. */
  readonly extensionsDir: string;
  /** Private folders of extensions. */
  readonly extensionsDataDir: string;
}

/** What the process was told from outside. Flags beat it, and it beats the config file. */
export interface Environment {
  readonly paths: Paths;
  /** `OPENCLAW_GATEWAY_TOKEN`. */
  readonly token?: string;
  /** `OPENCLAW_GATEWAY_PORT`, as written. */
  readonly port?: string;
  /** Every variable, for the secrets that the config reads from one (`{$env}`). */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Lines worth telling at start. */
  readonly notices: readonly string[];
}

export interface EnvironmentInput {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly home?: string;
  readonly cwd?: string;
  /** `--state-dir`, before `OPENCLAW_STATE_DIR`. */
  readonly stateDir?: string;
  /** `--config`, before `OPENCLAW_CONFIG_PATH`. */
  readonly configFile?: string;
}

/** The only reader of the home directory and of the process environment. */
export function readEnvironment(input: EnvironmentInput = {}): Environment {
  const env = input.env ?? process.env;
  const home = input.home ?? homedir();
  const cwd = input.cwd ?? process.cwd();
  const place = (path: string) => expand(path, home, cwd);
  const stateDir = place(input.stateDir ?? given(env["OPENCLAW_STATE_DIR"]) ?? join(home, ".openclaw-host"));
  const configFile = input.configFile ?? given(env["OPENCLAW_CONFIG_PATH"]);
  const token = given(env["OPENCLAW_GATEWAY_TOKEN"]);
  const port = given(env["OPENCLAW_GATEWAY_PORT"]);
  return {
    paths: pathsOf(stateDir, configFile === undefined ? undefined : place(configFile)),
    ...(token === undefined ? {} : { token }),
    ...(port === undefined ? {} : { port }),
    variables: env,
    notices: notices(home, stateDir),
  };
}

function pathsOf(stateDir: string, configFile: string = join(stateDir, "openclaw.json")): Paths {
  return {
    stateDir,
    configFile,
    configDir: dirname(configFile),
    database: join(stateDir, "host.db"),
    lockFile: join(stateDir, "gateway.lock"),
    logsDir: join(stateDir, "logs"),
    logFile: join(stateDir, "logs", "gateway.log"),
    tokenFile: join(stateDir, "gateway.token"),
    runningFile: join(stateDir, "gateway.json"),
    serverKeyFile: join(stateDir, "server.key"),
    tlsCertFile: join(stateDir, "tls", "cert.pem"),
    tlsKeyFile: join(stateDir, "tls", "key.pem"),
    identityFile: join(stateDir, "identity", "device.json"),
    mediaDir: join(stateDir, "media"),
    cacheDir: join(stateDir, "cache"),
    extensionsDir: join(stateDir, "extensions"),
    extensionsDataDir: join(stateDir, "extensions-data"),
  };
}

/** An empty variable is the usual way to unset one in service files. */
const given = (value: string | undefined) => (value === undefined || value.trim() === "" ? undefined : value.trim());

function expand(path: string, home: string, cwd: string): string {
  if (path === "~") return home;
  if (path.startsWith("~/")) return join(home, path.slice(2));
  return isAbsolute(path) ? path : resolve(cwd, path);
}

/** `~/.openclaw` belongs to the field's reference gateway: it is never read or written here. */
function notices(home: string, stateDir: string): string[] {
  const reference = join(home, ".openclaw");
  if (stateDir === reference || !existsSync(reference)) return [];
  return [
    `found ${reference} of another gateway: it is left untouched and not imported; this gateway uses ${stateDir}`,
  ];
}
