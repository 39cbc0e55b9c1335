import { type Config } from "openclaw-host-schemas";
import type { ConfigIssue } from "../../config/issue.ts";
import type { Finding } from "./finding.ts";

/** What the configuration says, as a start of the gateway would take it. */
export interface SettingsFacts {
  readonly config: Config;
  /** Why the gateway would not start. */
  readonly refused: readonly ConfigIssue[];
  /** What the gateway would warn about. */
  readonly warnings: readonly ConfigIssue[];
  /** The shared secret in use; absent when none is needed or none was made yet. */
  readonly secret?: string;
}

/** Fewest different characters of a secret that nobody guesses: 32 hex digits have 11 on average. */
const MIN_VARIETY = 8;
const MIN_SECRET = 24;

export function checkSettings(facts: SettingsFacts): readonly Finding[] {
  const { config, refused, warnings } = facts;
  return [
    ...refused.map((issue) => issueFinding("critical", "the gateway refuses to start", issue)),
    ...warnings.map((issue) => issueFinding("warn", "configuration", issue)),
    ...checkBind(config),
    ...checkSecret(facts),
    ...checkScopes(config),
    ...checkChannels(config),
    ...checkIsolation(config),
  ];
}

function issueFinding(severity: "warn" | "critical", what: string, { path, message }: ConfigIssue): Finding {
  return {
    severity,
    check: "config",
    message: `${what}: ${path === "" ? "" : `${path} `}${message}`,
    fix: "see: openclaw config validate",
  };
}

function checkBind({ gateway }: Config): readonly Finding[] {
  const found: Finding[] = [];
  if (gateway.bind !== "loopback") {
    found.push({
      severity: "info",
      check: "bind",
      message: `other hosts reach the gateway at ${gateway.bind}`,
      fix: 'set gateway.bind to "loopback" when nobody needs that',
    });
  }
  const mode: string = gateway.auth.mode;
  if (mode === "none") {
    found.push({
      severity: gateway.bind === "loopback" ? "warn" : "critical",
      check: "secrets",
      message: "every program and every user of this host may use the gateway (gateway.auth.mode none)",
      fix: 'set gateway.auth.mode to "token"',
    });
  }
  return found;
}

function checkSecret({ secret, config }: SettingsFacts): readonly Finding[] {
  if (secret === undefined || (secret.length >= MIN_SECRET && new Set(secret).size >= MIN_VARIETY)) return [];
  const exposed = config.gateway.bind !== "loopback";
  return [
    {
      severity: exposed ? "critical" : "warn",
      check: "secrets",
      message: `the gateway's ${config.gateway.auth.mode} can be guessed: it has ${secret.length} characters, ${new Set(secret).size} of them different`,
      fix: "remove it from the configuration, so that a token of 32 random bytes is made, or set a longer one",
    },
  ];
}

function checkScopes({ gateway }: Config): readonly Finding[] {
  const { scopes } = gateway.auth.localOwner;
  if (scopes === "none" || !scopes.includes("operator.admin")) return [];
  return [
    {
      severity: "info",
      check: "scopes",
      message: "programs of this host that know the shared secret may do everything, without a device",
      fix: 'set gateway.auth.localOwner.scopes to "none" or to fewer scopes when only paired devices shall operate it',
    },
  ];
}

function checkChannels({ channels }: Config): readonly Finding[] {
  return Object.entries(channels).flatMap(([id, channel]) => [
    ...checkPolicies(`channels.${id}`, channel),
    ...Object.entries(channel.accounts ?? {}).flatMap(([name, account]) =>
      checkPolicies(`channels.${id}.accounts.${name}`, account),
    ),
  ]);
}

interface Policies {
  readonly dmPolicy?: string | undefined;
  readonly groupPolicy?: string | undefined;
  readonly allowFrom?: readonly (string | number)[] | undefined;
}

function checkPolicies(path: string, { dmPolicy, groupPolicy, allowFrom = [] }: Policies): readonly Finding[] {
  const found: Finding[] = [];
  const open = (key: string, what: string, fix: string) =>
    found.push({ severity: "warn", check: "policy", message: `${path}.${key}: ${what}`, fix });
  if (dmPolicy === "open") {
    open("dmPolicy", "everybody who finds the account is answered by the agent", `set ${path}.dmPolicy to "pairing"`);
  } else if (allowFrom.includes("*")) {
    open("allowFrom", 'everybody is answered by the agent ("*")', `name the people in ${path}.allowFrom by id`);
  }
  if (groupPolicy === "open") {
    open(
      "groupPolicy",
      "the agent is heard in every group somebody adds it to",
      `set ${path}.groupPolicy to "allowlist"`,
    );
  }
  if (allowFrom.some((sender) => String(sender).startsWith("@"))) {
    open("allowFrom", "a handle can change hands", "write the id of that person instead");
  }
  return found;
}

function checkIsolation({ extensions }: Config): readonly Finding[] {
  return Object.entries(extensions.entries)
    .filter(([, { isolation }]) => isolation === "inline")
    .map(([id]) => ({
      severity: "warn" as const,
      check: "extensions",
      message: `extension ${id} runs inside the gateway: it can read every secret and can end the gateway`,
      fix: `remove extensions.entries.${id}.isolation`,
    }));
}
