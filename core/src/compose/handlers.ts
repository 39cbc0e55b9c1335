import { Readable } from "node:stream";
import type { MethodName } from "openclaw-host-schemas";
import type { Health } from "../automation/health.ts";
import type { Presence } from "../automation/presence.ts";
import { createSystemEvents } from "../automation/system-events.ts";
import type { Clock } from "../base/clock.ts";
import type { EventSink } from "../base/event-sink.ts";
import type { Logger } from "../base/log.ts";
import type { Problems } from "../base/problems.ts";
import type { Paths } from "../config/paths.ts";
import type { ExtensionHost } from "../host/host.ts";
import { CORE_OWNER } from "../media/store.ts";
import { agentMethods } from "../methods/agent.ts";
import { agentsMethods } from "../methods/agents.ts";
import { auditMethods } from "../methods/audit.ts";
import { channelMethods } from "../methods/channels.ts";
import { chatHistoryMethods } from "../methods/chat-history.ts";
import { chatMethods } from "../methods/chat.ts";
import { configMethods } from "../methods/config.ts";
import { deliveryMethods } from "../methods/delivery.ts";
import { extensionsMethods } from "../methods/extensions.ts";
import type { HandlersFor } from "../methods/handler.ts";
import { inboxMethods } from "../methods/inbox.ts";
import { logsMethods } from "../methods/logs.ts";
import { pairingMethods } from "../methods/pairing.ts";
import { sendMethods } from "../methods/send.ts";
import { sessionMethods } from "../methods/sessions.ts";
import { systemMethods } from "../methods/system.ts";
import type { AgentDirectory } from "./agents.ts";
import type { DevicePairing } from "./device-pairing.ts";
import type { MediaImporter } from "./import-media.ts";
import type { Messaging } from "./messaging.ts";
import type { Settings } from "./settings.ts";
import { statusOf } from "./status.ts";
import type { TlsSource } from "./tls.ts";
import type { Storage } from "./storage.ts";

export interface HandlerParts {
  readonly settings: Settings;
  readonly tls: TlsSource | undefined;
  readonly paths: Paths;
  readonly storage: Storage;
  readonly messaging: Messaging;
  readonly directory: AgentDirectory;
  readonly host: ExtensionHost;
  readonly health: Health;
  readonly presence: Presence;
  readonly importer: MediaImporter;
  readonly devicePairing: DevicePairing;
  readonly sink: EventSink;
  readonly problems: Problems;
  readonly clock: Clock;
  readonly log: Logger;
  readonly version: string;
}

/** Every described method has exactly one handler here, or this does not compile. */
export function createHandlers(parts: HandlerParts): HandlersFor<MethodName> {
  const { settings, paths, messaging, clock, host } = parts;
  return {
    ...aboutGateway(parts),
    ...conversation(parts),
    ...sendMethods({ channels: messaging.channels, importMedia: (url) => parts.importer.importMedia(url) }),
    ...channelMethods({ channels: messaging.channels, clock, echo: messaging.echo }),
    ...deliveryMethods({ channels: messaging.channels, clock }),
    ...inboxMethods({ kept: messaging.channels.kept }),
    ...pairingMethods({ pairing: messaging.pairing }),
    ...parts.devicePairing.handlers,
    ...auditMethods({ audit: parts.storage.audit }),
    ...configMethods({ file: paths.configFile, channels: () => settings.validation.channels }),
    ...extensionsMethods({ host }),
    ...logsMethods({ file: paths.logFile }),
  };
}

function aboutGateway(parts: HandlerParts) {
  const { storage, messaging, directory, clock, paths, health, presence, problems, tls, version } = parts;
  const facts = {
    ...storage,
    ...messaging,
    directory,
    problems,
    database: paths.database,
    now: () => clock.now(),
    version,
    tls,
  };
  return systemMethods({ health, presence, systemEvents: createSystemEvents(), status: () => statusOf(facts) });
}

function conversation(parts: HandlerParts) {
  const { storage, messaging, directory, sink, clock, log, paths } = parts;
  const { store, sessions, media } = storage;
  const { turns, channels, changes } = messaging;
  const { agents, modelOf } = directory;
  const shared = { sessions, agents, turns, log: log.child("methods"), putMedia };
  async function putMedia(content: Uint8Array, as: { mime?: string; name?: string }) {
    return media.put(Readable.from([content]), { owner: CORE_OWNER, ...as });
  }
  return {
    ...agentMethods({
      ...shared,
      modelOf,
      knowsChannel: (channel) => channels.accounts.channels().includes(channel),
      parseTarget: (raw) => channels.parseTarget(raw),
    }),
    ...chatMethods(shared),
    ...chatHistoryMethods({ sessions, changes, events: sink, agents }),
    ...sessionMethods({ sessions, changes, store, clock, agents, storePath: paths.database }),
    ...agentsMethods({ agents }),
  };
}
