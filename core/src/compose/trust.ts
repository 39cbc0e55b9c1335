import type { Config } from "openclaw-host-schemas";
import { createAddressSet, isTailnetAddress } from "../auth/addresses.ts";
import { type Audit } from "../auth/audit.ts";
import { audited } from "../auth/audited.ts";
import { type Authenticator, createAuthenticator } from "../auth/authenticator.ts";
import type { AuthPolicy } from "../auth/decide.ts";
import type { Devices } from "../auth/devices.ts";
import type { OriginPolicy } from "../auth/origin.ts";
import { createOwnHost } from "../auth/own-host.ts";
import { type PeerPolicy, type PeerReader, createPeerReader, tailscaleVouching } from "../auth/peer.ts";
import { createRateLimiter } from "../auth/rate-limit.ts";
import { createSecretCheck } from "../auth/shared-secret.ts";
import { type Tailscale, createTailscale } from "../auth/tailscale.ts";
import { type DeviceTokens, createDeviceTokens, loadServerKey } from "../auth/tokens.ts";
import { createProxyVouching } from "../auth/trusted-proxy.ts";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Environment } from "../config/paths.ts";
import type { Settings } from "./settings.ts";
import { tailscaleProgram } from "./tailscale-program.ts";

export interface TrustParts {
  readonly settings: Pick<Settings, "config" | "secret">;
  readonly environment: Environment;
  readonly devices: Devices;
  readonly audit: Audit;
  /** Addresses of this host's interfaces. */
  readonly interfaces: () => readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
}

/** Who is believed what: everything between a socket and a session. */
export interface Trust {
  readonly authenticator: Authenticator;
  readonly readPeer: PeerReader;
  readonly origins: OriginPolicy;
  readonly tokens: DeviceTokens;
  /** Empty when programs of this host need a device too. */
  readonly localOwnerScopes: readonly string[];
}

/**
 * Builds it from `gateway.*`.
 *
 * @throws Error in mode `tailscale` when the daemon does not answer, saying what to do.
 */
export async function openTrust(parts: TrustParts): Promise<Trust> {
  const { settings, environment, devices, audit, clock } = parts;
  const { gateway } = settings.config;
  const tailscale = openTailscale(parts);
  const { auth } = settings.secret;
  if (auth.mode === "tailscale") await tailscale.check().catch(explain);
  // Begins to ask, so that the first page under that name is not sent away.
  else tailscale.name();
  const origins = originsOf(gateway);
  const policy: AuthPolicy = {
    mode: auth.mode,
    checkSecret: createSecretCheck(auth),
    tokens: createDeviceTokens(loadServerKey(environment.paths.serverKeyFile)),
    localTrust: gateway.auth.localTrust,
    localOwnerScopes: gateway.auth.localOwner.scopes === "none" ? [] : gateway.auth.localOwner.scopes,
    origins,
  };
  const limiter = createRateLimiter({ settings: gateway.auth.rateLimit, now: () => clock.now() });
  const authenticator = createAuthenticator({
    policy,
    devices,
    limiter,
    clock,
    log: parts.log.child("auth"),
    ...(auth.mode === "tailscale" ? { whois: (claim) => tailscale.whois(claim) } : {}),
  });
  return {
    authenticator: audited(authenticator, { audit, devices }),
    readPeer: createPeerReader(peerPolicy(parts, tailscale)),
    origins,
    tokens: policy.tokens,
    localOwnerScopes: policy.localOwnerScopes,
  };
}

function openTailscale({ settings, environment, interfaces, clock }: TrustParts): Tailscale {
  const { executable, allowUsers } = settings.config.gateway.auth.tailscale;
  return createTailscale({
    run: tailscaleProgram(executable, environment.variables),
    allowUsers,
    onTailnet: () => interfaces().some(isTailnetAddress),
    now: () => clock.now(),
  });
}

function peerPolicy({ settings, interfaces, clock }: TrustParts, tailscale: Tailscale): PeerPolicy {
  const { gateway } = settings.config;
  const { auth, proxySecret } = settings.secret;
  const trustedProxies = createAddressSet(gateway.trustedProxies);
  const own = createOwnHost({ interfaces, tailnetName: () => tailscale.name(), now: () => clock.now() });
  const base: PeerPolicy = { trustedProxies, own, hosts: hostsOf(gateway) };
  if (auth.mode === "tailscale") return { ...base, vouch: tailscaleVouching };
  if (auth.mode !== "trusted-proxy" || proxySecret === undefined) return base;
  const { allowUsers, ...headers } = gateway.auth.trustedProxy;
  const userHeader = headers.userHeader.toLowerCase();
  const secretHeader = headers.secretHeader.toLowerCase();
  const vouch = createProxyVouching({ userHeader, secretHeader, secret: proxySecret, allowUsers }, trustedProxies);
  return { ...base, vouch, proxyHeaders: [userHeader, secretHeader] };
}

function hostsOf({ publicUrl, allowedHosts }: Config["gateway"]): readonly string[] {
  const names = allowedHosts.map((entry) => new URL(`http://${bracketed(entry)}`).hostname);
  return publicUrl === undefined ? names : [...names, new URL(publicUrl).hostname];
}

const bracketed = (entry: string): string => (/^[0-9a-f:.]*:[0-9a-f:.]*:/i.test(entry) ? `[${entry}]` : entry);

/** Pages of `gateway.publicUrl` are this gateway's own. */
function originsOf({ controlUi, publicUrl }: Config["gateway"]): OriginPolicy {
  const own = publicUrl === undefined ? [] : [new URL(publicUrl.replace(/^ws/, "http")).origin];
  return {
    allowedOrigins: [...controlUi.allowedOrigins, ...own],
    allowHostHeader: controlUi.dangerouslyAllowHostHeaderOriginFallback,
  };
}

function explain(error: unknown): never {
  const why = error instanceof Error ? error.message : "the daemon does not answer";
  throw new Error(`gateway.auth.mode is "tailscale", but ${why}; or use another gateway.auth.mode`, { cause: error });
}
