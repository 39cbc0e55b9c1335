import { type Config, GatewayConfig } from "openclaw-host-schemas";
import type { AuthMode } from "../auth/shared-secret.ts";
import type { Ids } from "../base/ids.ts";
import { ConfigError } from "../config/issue.ts";
import { parseSchema } from "../config/json-schema.ts";
import { type SecretDeps, readSecrets } from "../config/secrets.ts";
import { ensureToken, tokenHint } from "../config/token.ts";
import type { StartOptions } from "../gateway-options.ts";

/** How clients prove themselves, and where the operator finds the secret. */
export interface GatewaySecret {
  readonly auth: AuthMode;
  /** `gateway.auth.trustedProxy.secret`. */
  readonly proxySecret: string | undefined;
  readonly hint: string;
  readonly source: string;
  /** Every secret of the gateway that lets somebody in, by path. */
  readonly all: ReadonlyMap<string, string>;
}

const TOKEN = "gateway.auth.token";
const PASSWORD = "gateway.auth.password";
const PROXY_SECRET = "gateway.auth.trustedProxy.secret";
const TOKEN_VARIABLE = "OPENCLAW_GATEWAY_TOKEN";

interface Found {
  readonly auth: AuthMode;
  readonly source: string;
}

/**
 * The shared secret: the flag, the environment, the config, or a generated token. Registered with the redactor at once.
 *
 * @throws ConfigError for a secret that is needed and missing or not to be read.
 */
export async function gatewaySecret(
  options: StartOptions,
  gateway: Config["gateway"],
  deps: SecretDeps & { readonly ids: Ids },
): Promise<GatewaySecret> {
  const { environment } = options;
  const told = options.token ?? environment.token;
  const at = { schema: parseSchema(GatewayConfig), value: gateway, path: "gateway" };
  const { values, issues } = await readSecrets(at, deps);
  const { mode } = gateway.auth;
  const unread = issues.filter(({ path }) => neededIn(mode, told !== undefined).includes(path));
  if (unread.length > 0) throw new ConfigError(environment.paths.configFile, unread);
  const { auth, source } = await findSecret(options, values, { mode, ids: deps.ids });
  const shared = sharedSecret(auth);
  const all = new Map([...values].filter(([path]) => [TOKEN, PASSWORD, PROXY_SECRET].includes(path)));
  if (shared === undefined) return { auth, source, hint: "no secret", proxySecret: undefined, all };
  deps.redactor.add(shared);
  all.set(mode === "password" ? PASSWORD : TOKEN, shared);
  return { auth, source, hint: tokenHint(shared), proxySecret: values.get(PROXY_SECRET), all };
}

type Mode = AuthMode["mode"];

function neededIn(mode: Mode, told: boolean): readonly string[] {
  if (mode === "none") return [];
  if (mode === "password") return [PASSWORD];
  return [...(told ? [] : [TOKEN]), ...(mode === "trusted-proxy" ? [PROXY_SECRET] : [])];
}

const sharedSecret = (auth: AuthMode): string | undefined =>
  auth.mode === "none" ? undefined : auth.mode === "password" ? auth.password : auth.token;

async function findSecret(
  { environment, token }: StartOptions,
  values: ReadonlyMap<string, string>,
  { mode, ids }: { readonly mode: Mode; readonly ids: Ids },
): Promise<Found> {
  const { paths } = environment;
  if (mode === "none") return { auth: { mode }, source: paths.configFile };
  if (mode === "password") {
    const password = values.get(PASSWORD);
    if (password !== undefined) return { auth: { mode, password }, source: paths.configFile };
    const message = 'is missing: mode "password" needs one; set it, or use mode "token"';
    throw new ConfigError(paths.configFile, [{ path: PASSWORD, message }]);
  }
  if (token !== undefined) return { auth: { mode, token }, source: "--token" };
  if (environment.token !== undefined) return { auth: { mode, token: environment.token }, source: TOKEN_VARIABLE };
  const configured = values.get(TOKEN);
  if (configured !== undefined) return { auth: { mode, token: configured }, source: paths.configFile };
  return { auth: { mode, token: await ensureToken(paths.tokenFile, ids) }, source: paths.tokenFile };
}
