import type { Config } from "openclaw-host-schemas";
import type { Ids } from "../base/ids.ts";
import type { Redactor } from "../base/redact.ts";
import { ConfigError, type ConfigIssue } from "../config/issue.ts";
import { type LoadedConfig, checkConfig, extensionRoots, readConfigFile, requireValid } from "../config/load.ts";
import type { Environment } from "../config/paths.ts";
import type { SecretDeps } from "../config/secrets.ts";
import { type ValidateOptions, validateOptionsOf } from "../config/validate.ts";
import type { StartOptions } from "../gateway-options.ts";
import { type Discovered, discoverExtensions } from "../host/discover/discover.ts";
import { checkAuth } from "./auth-rules.ts";
import { type GatewaySecret, gatewaySecret } from "./gateway-secret.ts";
import { type ReuseParts, reusedSecrets } from "./secret-reuse.ts";

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
  const { channels } = validation;
  const { secret, warnings } = await checkedSecret(options, { config, channels, extensions }, deps);
  const warned = { ...loaded, warnings: [...loaded.warnings, ...warnings] };
  return { loaded: warned, config, extensions, validation, secret };
}

/** The gateway's secrets, after every rule about them. */
async function checkedSecret(
  options: StartOptions,
  at: Omit<ReuseParts, "deps">,
  { ids, redactor }: SettingsDeps,
): Promise<{ secret: GatewaySecret; warnings: readonly ConfigIssue[] }> {
  const { paths } = options.environment;
  const { gateway } = at.config;
  const deps = secretDeps(options.environment, redactor);
  const secret = await gatewaySecret(options, gateway, { ...deps, ids });
  const bind = options.bind ?? gateway.bind;
  const verdict = checkAuth({ gateway, bind, auth: secret.auth, proxySecret: secret.proxySecret });
  const issues = [...verdict.issues, ...(await reusedSecrets(secret.all, { ...at, deps }))];
  if (issues.length > 0) throw new ConfigError(paths.configFile, issues);
  return { secret, warnings: verdict.warnings };
}

export const secretDeps = ({ paths, variables }: Environment, redactor: Redactor): SecretDeps => ({
  env: variables,
  baseDir: paths.configDir,
  redactor,
});
