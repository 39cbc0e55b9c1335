import { createRedactor } from "../base/redact.ts";
import { parseSchema } from "../config/json-schema.ts";
import { type Environment } from "../config/paths.ts";
import { type RunningRecord, readRunning } from "../config/running.ts";
import { resolveSecrets } from "../config/secrets.ts";
import { readToken } from "../config/token.ts";
import { checkConfig, readConfigFile } from "../config/load.ts";
import { Config } from "openclaw-host-schemas";
import { CliFailure, EXIT, usage } from "./failure.ts";

/** Which gateway a command talks to, and with what. */
export interface Target {
  readonly url: string;
  readonly token?: string;
  readonly password?: string;
  /** The only certificate that is accepted. Default: any that this machine trusts. */
  readonly tlsFingerprint?: string;
  /** True for the gateway of this host's own state directory: it takes the shared secret without a device. */
  readonly own: boolean;
}

export interface TargetArgs {
  readonly url?: string | undefined;
  readonly token?: string | undefined;
  readonly tlsFingerprint?: string | undefined;
}

/**
 * `--url`, else `gateway.remote`, else this host's own gateway: the address of its record, or the configured one. The token
 * is `--token`, else `OPENCLAW_GATEWAY_TOKEN`, else that of the config, else the generated one. A given `--url` takes no
 * stored token: it would hand this gateway's secret to another machine. The certificate is that of `--tls-fingerprint`, else of
 * `gateway.remote.tlsFingerprint`, else the one of this host's own gateway.
 */
export async function findTarget(args: TargetArgs, environment: Environment): Promise<Target> {
  const target = await chooseTarget(args, environment);
  return args.tlsFingerprint === undefined ? target : { ...target, tlsFingerprint: args.tlsFingerprint };
}

async function chooseTarget(args: TargetArgs, environment: Environment): Promise<Target> {
  const given = args.token ?? environment.token;
  if (args.url !== undefined) {
    if (given === undefined) throw usage("--url needs --token, or OPENCLAW_GATEWAY_TOKEN: the token of that gateway");
    return { url: args.url, token: given, own: false };
  }
  const config = await resolvedConfig(environment);
  const { remote } = config.gateway;
  if (remote.url !== undefined) {
    const token = given ?? remote.token;
    if (token === undefined) throw new CliFailure(`set gateway.remote.token to the token of ${remote.url}`);
    return { url: remote.url, token, own: false, ...pinOf(remote.tlsFingerprint) };
  }
  const { auth } = config.gateway;
  const own = ownAddress(config, environment, await readRunning(environment.paths.runningFile));
  if (auth.mode === "password")
    return { ...own, ...(auth.password === undefined ? {} : { password: auth.password }), own: true };
  const token = given ?? auth.token ?? (await readToken(environment.paths.tokenFile));
  return { ...own, ...(token === undefined ? {} : { token }), own: true };
}

/** Faults of the config are the gateway's business; a command needs `gateway` only, and says what it cannot resolve. */
async function resolvedConfig(environment: Environment): Promise<Config> {
  const { paths } = environment;
  const loaded = checkConfig(await readConfigFile(paths.configFile), { channels: new Map(), unknownChannels: "warn" });
  const { gateway } = loaded.config;
  const deps = { env: environment.variables, baseDir: paths.configDir, redactor: createRedactor() };
  const schema = parseSchema(Config.properties.gateway);
  const { value, issues } = await resolveSecrets({ schema, value: gateway, path: "gateway" }, deps);
  const [issue] = issues;
  if (issue !== undefined) throw new CliFailure(`${issue.path}: ${issue.message}`);
  return { ...loaded.config, gateway: value as Config["gateway"] };
}

/** A gateway whose record names a certificate is talked to over TLS and with that certificate only. */
function ownAddress(
  config: Config,
  environment: Environment,
  { at }: RunningRecord,
): Pick<Target, "url" | "tlsFingerprint"> {
  if (at !== undefined && isAlive(at.pid)) {
    const scheme = at.tlsFingerprint === undefined ? "ws" : "wss";
    return { url: `${scheme}://${hostForUrl(at.host)}:${at.port}`, ...pinOf(at.tlsFingerprint) };
  }
  const port = Number(environment.port ?? config.gateway.port);
  if (port === 0) throw noGateway("this host");
  return { url: `${config.gateway.tls.enabled ? "wss" : "ws"}://127.0.0.1:${port}` };
}

const pinOf = (tlsFingerprint: string | undefined) => (tlsFingerprint === undefined ? {} : { tlsFingerprint });

/** An address that means "every interface" is reached over loopback; IPv6 addresses are bracketed in URLs. */
function hostForUrl(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's process is alive too.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

export function noGateway(where: string, target?: Pick<Target, "tlsFingerprint">): CliFailure {
  const start = 'start it with "openclaw gateway", or name another one with --url';
  // Without a pin a certificate that is not trusted looks like no answer.
  const isUnpinned = where.startsWith("wss:") && target !== undefined && target.tlsFingerprint === undefined;
  const trust =
    "; if it runs, its certificate is not trusted here: pass --tls-fingerprint, which it prints at its start";
  return new CliFailure(`no gateway is running on ${where}: ${start}${isUnpinned ? trust : ""}`, EXIT.unreachable);
}
