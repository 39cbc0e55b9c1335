import { type Config, GatewayConfig } from "openclaw-host-schemas";
import type { AuthMode } from "../auth/shared-secret.ts";
import type { Ids } from "../base/ids.ts";
import type { Redactor } from "../base/redact.ts";
import { ConfigError } from "../config/issue.ts";
import { parseSchema } from "../config/json-schema.ts";
import { type LoadedConfig, checkConfig, extensionRoots, readConfigFile, requireValid } from "../config/load.ts";
import type { Environment } from "../config/paths.ts";
import { type SecretDeps, resolveSecrets } from "../config/secrets.ts";
import { ensureToken, tokenHint } from "../config/token.ts";
import { type ValidateOptions, validateOptionsOf } from "../config/validate.ts";
import type { StartOptions } from "../gateway-options.ts";
import { type Discovered, discoverExtensions } from "../host/discover/discover.ts";

/** How clients prove themselves, and where the operator finds the secret. */
export interface GatewaySecret {
  readonly auth: Exclude<AuthMode, { mode: "none" }>;
  readonly hint: string;
  readonly source: string;
}

/** Everything the start is told from outside, checked. */
export interface Settings {
  readonly loaded: LoadedConfig;
  readonly config: Config;
  readonly extensions: readonly Discovered[];
  readonly validation: ValidateOptions;
  readonly secret: GatewaySecret;
}

export interface SettingsDeps {
  readonly ids: Ids;
  readonly redactor: Redactor;
}

/**
 * Reads config and manifests; runs no code of an extension.
 *
 * @throws ConfigError with every fault of the file; Error when a folder named by a flag does not exist.
 */
export async function loadSettings(options: StartOptions, deps: SettingsDeps): Promise<Settings> {
  const { paths } = options.environment;
  const file = await readConfigFile(paths.configFile);
  if (file.issues.length > 0) throw new ConfigError(file.file, file.issues);
  const roots = extensionRoots(options.extensions, file.parsed, paths);
  const rules = checkConfig(file, { channels: new Map(), unknownChannels: "warn" }).config.extensions;
  const reserved = { channels: ["webchat"], agents: ["echo"] };
  const extensions = await discoverExtensions({ roots: [...roots], rules: { ...rules, reserved } });
  const validation = validateOptionsOf(extensions);
  const loaded = checkConfig(file, validation);
  const config = requireValid(loaded);
  return { loaded, config, extensions, validation, secret: await gatewaySecret(options, config, deps) };
}

/** The shared secret: the flag, the environment, the config, or a generated token. Registered with the redactor at once. */
async function gatewaySecret(options: StartOptions, config: Config, deps: SettingsDeps): Promise<GatewaySecret> {
  const { environment } = options;
  const { paths } = environment;
  const { mode } = config.gateway.auth;
  const told = options.token ?? environment.token;
  if (mode === "token" && told !== undefined) {
    const source = options.token === undefined ? "OPENCLAW_GATEWAY_TOKEN" : "--token";
    return secretOf({ mode, token: told }, source, deps);
  }
  const configured = await configuredSecret(options, config, deps);
  if (mode === "password") {
    if (configured.password !== undefined) {
      return secretOf({ mode, password: configured.password }, paths.configFile, deps);
    }
    const path = "gateway.auth.password";
    const message = 'is missing: mode "password" needs one; set it, or use mode "token"';
    throw new ConfigError(paths.configFile, [{ path, message }]);
  }
  if (configured.token !== undefined) return secretOf({ mode, token: configured.token }, paths.configFile, deps);
  return secretOf({ mode, token: await ensureToken(paths.tokenFile, deps.ids) }, paths.tokenFile, deps);
}

function secretOf(auth: GatewaySecret["auth"], source: string, { redactor }: SettingsDeps): GatewaySecret {
  const value = (auth.mode === "token" ? auth.token : auth.password) ?? "";
  redactor.add(value);
  return { auth, hint: tokenHint(value), source };
}

async function configuredSecret(
  { environment }: StartOptions,
  config: Config,
  deps: SettingsDeps,
): Promise<{ token?: string; password?: string }> {
  const at = { schema: parseSchema(GatewayConfig), value: config.gateway, path: "gateway" };
  const resolved = await resolveSecrets(at, secretDeps(environment, deps.redactor));
  if (resolved.issues.length > 0) throw new ConfigError(environment.paths.configFile, resolved.issues);
  const { auth } = resolved.value as Config["gateway"];
  return {
    ...(typeof auth.token === "string" ? { token: auth.token } : {}),
    ...(typeof auth.password === "string" ? { password: auth.password } : {}),
  };
}

export const secretDeps = ({ paths, variables }: Environment, redactor: Redactor): SecretDeps => ({
  env: variables,
  baseDir: paths.configDir,
  redactor,
});
