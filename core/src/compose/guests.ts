import type { Clock } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import type { Logger } from "../base/log.ts";
import type { Redactor } from "../base/redact.ts";
import { parseSchema } from "../config/json-schema.ts";
import type { Environment } from "../config/paths.ts";
import { resolveSecrets } from "../config/secrets.ts";
import { type ExtensionHost, createExtensionHost } from "../host/host.ts";
import { createAgentConfigs } from "./agent-config.ts";
import type { Messaging } from "./messaging.ts";
import { GUESTS_MS } from "./shutdown.ts";
import { type Settings, secretDeps } from "./settings.ts";
import type { Storage } from "./storage.ts";

/** The extensions of this gateway and the secrets they are given. */
export interface Guests {
  readonly host: ExtensionHost;
  /** A value with its secrets in place. Throws an `Error` that names the one that could not be read. */
  resolve(schema: object, value: unknown): Promise<unknown>;
}

export interface GuestsParts {
  readonly environment: Environment;
  readonly settings: Settings;
  readonly storage: Storage;
  readonly messaging: Messaging;
  readonly redactor: Redactor;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
}

export function createGuests(parts: GuestsParts): Guests {
  const { environment, settings, storage, messaging, redactor, clock, ids, log } = parts;
  const { config } = settings;
  const entryOf = (extension: string) => config.extensions.entries[extension];

  async function resolve(schema: object, value: unknown, path = ""): Promise<unknown> {
    const { value: resolved, issues } = await resolveSecrets(
      { schema: parseSchema(schema), value, path },
      secretDeps(environment, redactor),
    );
    const [fault] = issues;
    if (fault !== undefined) throw new Error(`${fault.path}: ${fault.message}`);
    return resolved;
  }

  const host = createExtensionHost({
    extensions: settings.extensions,
    stateDir: environment.paths.stateDir,
    policy: { stopMs: GUESTS_MS },
    isolationOf: (extension) => entryOf(extension)?.isolation ?? "process",
    isConfigured: (kind, id) => isConfigured(settings, kind, id),
    agentConfig: createAgentConfigs({ extensions: settings.extensions, entries: config.extensions.entries, resolve }),
    registerChannel: (port) => messaging.channels.register(port),
    registerAgent: (runtime) => messaging.runtimes.register(runtime),
    store: storage.store,
    media: storage.media,
    clock,
    ids,
    log: log.child("host"),
    redact: (text) => redactor.text(text),
    guestEnv: guestEnvironment(environment.variables),
  });
  return { host, resolve };
}

/** True when the configuration uses a channel or a runtime, so that its extension is worth a process. */
function isConfigured({ config }: Settings, kind: "channel" | "agent", id: string): boolean {
  // An extension chooses its ids: one named like something that every object inherits is not configured by that.
  if (kind === "channel") return Object.hasOwn(config.channels, id) && config.channels[id]?.enabled !== false;
  return [config.agents.defaults.runtime, ...config.agents.list.map((agent) => agent.runtime)].includes(id);
}

/** What guests need of the operator's network; nothing else of the environment reaches them. */
const GUEST_VARIABLES = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "TZ"] as const;

function guestEnvironment(variables: Environment["variables"]): Record<string, string> {
  return Object.fromEntries(
    GUEST_VARIABLES.flatMap((name) => (variables[name] === undefined ? [] : [[name, variables[name]]])),
  );
}
