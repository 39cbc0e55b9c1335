import type { Config } from "openclaw-host-schemas";
import { createAddressSet } from "../auth/addresses.ts";
import { hostnameOf } from "../auth/local-trust.ts";
import type { AuthMode } from "../auth/shared-secret.ts";
import type { ConfigIssue } from "../config/issue.ts";
import { isExposed } from "./bind.ts";
import { tlsRules } from "./tls.ts";

/** A shorter token could be found by trying: 24 characters of base64 are 144 bits. */
const MIN_TOKEN_CHARS = 24;

const MAKE_ONE = 'make one with "openssl rand -base64 32"';

export interface AuthFacts {
  readonly gateway: Config["gateway"];
  /** The bind in effect: the flag's or the config's. */
  readonly bind: string;
  /** With its secret resolved. */
  readonly auth: AuthMode;
  readonly proxySecret: string | undefined;
}

/** What is wrong, and what is merely unwise, with how clients are to prove themselves. */
export interface AuthVerdict {
  readonly issues: readonly ConfigIssue[];
  readonly warnings: readonly ConfigIssue[];
}

export function checkAuth(facts: AuthFacts): AuthVerdict {
  const tokens = tokenRules(facts);
  return {
    issues: [
      ...modeRules(facts),
      ...tokens.issues,
      ...proxyRules(facts),
      ...hostRules(facts.gateway),
      ...tlsRules(facts.gateway),
    ],
    warnings: tokens.warnings,
  };
}

function modeRules({ auth, bind }: AuthFacts): readonly ConfigIssue[] {
  if (auth.mode !== "none" || !isExposed(bind)) return [];
  const message = `is none while gateway.bind is ${bind}: anybody there could connect; set gateway.bind to loopback, or gateway.auth.mode to token`;
  return [{ path: "gateway.auth.mode", message }];
}

function tokenRules({ auth, bind }: AuthFacts): AuthVerdict {
  const path = "gateway.auth.token";
  const isShort = auth.mode !== "none" && auth.mode !== "password" && (auth.token ?? "").length < MIN_TOKEN_CHARS;
  if (!isShort) return { issues: [], warnings: [] };
  const message = `has fewer than ${MIN_TOKEN_CHARS} characters and could be guessed: ${MAKE_ONE}, or leave it out to have one generated`;
  if (!isExposed(bind)) return { issues: [], warnings: [{ path, message }] };
  return { issues: [{ path, message: `${message}; gateway.bind is ${bind}` }], warnings: [] };
}

function proxyRules({ auth, gateway, proxySecret }: AuthFacts): readonly ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  if (auth.mode !== "trusted-proxy") return issues;
  if (gateway.trustedProxies.length === 0) {
    const message = "is empty: mode trusted-proxy needs the address of the proxy, such as 127.0.0.1";
    issues.push({ path: "gateway.trustedProxies", message });
  }
  const path = "gateway.auth.trustedProxy.secret";
  const { secretHeader, userHeader } = gateway.auth.trustedProxy;
  if ((proxySecret ?? "").length < MIN_TOKEN_CHARS) {
    const what = proxySecret === undefined ? "is missing" : `has fewer than ${MIN_TOKEN_CHARS} characters`;
    issues.push({ path, message: `${what}: ${MAKE_ONE}, and let the proxy send it in the header ${secretHeader}` });
  }
  if (secretHeader.toLowerCase() === userHeader.toLowerCase()) {
    const message = "is the same header as userHeader: name two";
    issues.push({ path: "gateway.auth.trustedProxy.secretHeader", message });
  }
  return issues;
}

function hostRules({ trustedProxies, allowedHosts, publicUrl }: Config["gateway"]): readonly ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  for (const [at, entry] of trustedProxies.entries()) {
    try {
      createAddressSet([entry]);
    } catch (error) {
      const why = error instanceof Error ? error.message : "cannot be read";
      issues.push({ path: `gateway.trustedProxies.${at}`, message: why });
    }
  }
  for (const [at, entry] of allowedHosts.entries()) {
    if (hostnameOf(entry) !== undefined && !entry.includes("*")) continue;
    const message = "is no host name or address: write it as in the browser's address bar, without https:// and path";
    issues.push({ path: `gateway.allowedHosts.${at}`, message });
  }
  if (publicUrl !== undefined && !URL.canParse(publicUrl)) {
    issues.push({ path: "gateway.publicUrl", message: "is no address such as https://gateway.example.org" });
  }
  return issues;
}
