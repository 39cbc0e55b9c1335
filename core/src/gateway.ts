import { networkInterfaces } from "node:os";
import type { MessagePort } from "node:worker_threads";
import { createHealth } from "./automation/health.ts";
import { createPresence } from "./automation/presence.ts";
import { startRetention } from "./automation/retention.ts";
import { createStateVersions } from "./automation/state-versions.ts";
import { startTick } from "./automation/tick.ts";
import type { AuthModeName } from "./auth/shared-secret.ts";
import { type Clock, systemClock } from "./base/clock.ts";
import type { EventSink } from "./base/event-sink.ts";
import { type Ids, systemIds } from "./base/ids.ts";
import { openLogFile } from "./base/log-file.ts";
import type { LogLevel, LogSink, Logger } from "./base/log.ts";
import { createLogger } from "./base/logger.ts";
import { type Problems, createProblems } from "./base/problems.ts";
import { ensurePrivateDir } from "./base/private-file.ts";
import { type Redactor, createRedactor } from "./base/redact.ts";
import { type AgentDirectory, createAgentDirectory } from "./compose/agents.ts";
import { healthFacts, ownPresence, troubles } from "./compose/facts.ts";
import { createDevicePairing } from "./compose/device-pairing.ts";
import { type Guests, createGuests } from "./compose/guests.ts";
import { createHandlers } from "./compose/handlers.ts";
import { createMediaImporter } from "./compose/import-media.ts";
import { type Address, listenForClients } from "./compose/listen.ts";
import { type Messaging, openMessaging } from "./compose/messaging.ts";
import { createPhases } from "./compose/phases.ts";
import { type Settings, loadSettings } from "./compose/settings.ts";
import { CONNECTIONS_MS, type Farewell, endWork } from "./compose/shutdown.ts";
import { type Storage, openStorage } from "./compose/storage.ts";
import { type TlsSource, openTls } from "./compose/tls.ts";
import { type Trust, openTrust } from "./compose/trust.ts";
import { writeRunning } from "./config/running.ts";
import type { RunningGateway, StartOptions } from "./gateway-options.ts";
import { acquireStateLock } from "./store/lock.ts";
import { LIMITS } from "./wire/limits.ts";
import { type WireServer, createWireServer } from "./wire/wire-server.ts";

/** What a test may replace. */
export interface Systems {
  readonly clock: Clock;
  readonly ids: Ids;
  /** Addresses of this host's interfaces. */
  readonly interfaces: () => readonly string[];
  /** See `StoreOptions`. */
  readonly faults?: MessagePort;
}

/**
 * Starts a gateway: builds its parts in order and listens. Everything that was built is closed again when a later step
 * fails.
 *
 * @throws ConfigError, StateLocked, StoreError, or an Error that says why the port cannot be used.
 */
export async function startGateway(options: StartOptions, replaced: Partial<Systems> = {}): Promise<RunningGateway> {
  const systems: Systems = { clock: systemClock, ids: systemIds, interfaces: ownAddresses, ...replaced };
  await using built = new AsyncDisposableStack();
  const { paths } = options.environment;
  const lock = acquireStateLock(paths.stateDir);
  built.defer(() => lock.release());
  const redactor = createRedactor();
  const logs = openLogs(options, systems.clock, redactor);
  built.defer(() => logs.close());
  const early = logs.log("info");
  for (const notice of options.environment.notices) early.info(notice);
  const phase = createPhases(early, () => performance.now());
  const ended = Promise.withResolvers<void>();
  ended.promise.catch(() => {});
  const problems = createProblems(systems.clock);
  let keep = { mediaTotalBytes: 0 };
  // The database opens in its own thread while the config is read.
  const opening = phase("store", () =>
    openStorage({
      paths,
      ...systems,
      problems,
      log: early,
      onFatal: ended.reject,
      mediaTotalBytes: () => keep.mediaTotalBytes,
    }),
  );
  built.defer(() => opening.then((storage) => storage.close(), ignore));
  const settings = await phase("config and manifests", () => loadSettings(options, { ids: systems.ids, redactor }));
  keep = settings.config.retention;
  logs.limit({ maxBytes: settings.config.retention.logs.fileBytes, files: settings.config.retention.logs.files });
  const log = logs.log(options.logLevel ?? settings.config.logging.level);
  for (const { path, message } of settings.loaded.warnings) log.warn(`config ${path}: ${message}`);
  const tls = await openTls(tlsParts(options, settings, systems));
  const base: Base = { options, settings, tls, redactor, log, problems, ...systems };
  const storage = await opening;
  const parts = await phase("channels and turns", () => buildParts(base, storage));
  built.defer(() => parts.close());
  const { gateway, unwatch } = await phase("wire", () => listenForClients({ ...base, wire: parts.wire }));
  built.defer(unwatch);
  parts.guests.host.start();
  return running(base, { parts, gateway, ended, stop: built.move() });
}

/**
 * Whether a gateway would start with the configuration as it is now.
 *
 * @throws ConfigError with every fault.
 */
export async function checkStart(options: StartOptions): Promise<void> {
  const settings = await loadSettings(options, { ids: systemIds, redactor: createRedactor() });
  await openTls(tlsParts(options, settings, { clock: systemClock, interfaces: ownAddresses }));
}

const tlsParts = (
  { environment, bind }: StartOptions,
  { config: { gateway } }: Settings,
  { clock, interfaces }: Pick<Systems, "clock" | "interfaces">,
) => ({ gateway, bind: bind ?? gateway.bind, paths: environment.paths, interfaces, now: () => clock.now() });

interface Base extends Systems {
  readonly options: StartOptions;
  readonly settings: Settings;
  /** Undefined when the port is not encrypted. */
  readonly tls: TlsSource | undefined;
  readonly redactor: Redactor;
  readonly log: Logger;
  readonly problems: Problems;
}

const ownAddresses = (): readonly string[] =>
  Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));

/** Whoever awaits the same promise is told of its failure. */
const ignore = (): void => {};

interface Parts {
  readonly storage: Storage;
  readonly directory: AgentDirectory;
  readonly messaging: Messaging;
  readonly guests: Guests;
  readonly wire: WireServer;
  close(): Promise<void>;
}

function openLogs({ environment, console }: StartOptions, clock: Clock, redact: Redactor) {
  ensurePrivateDir(environment.paths.logsDir);
  const file = openLogFile({ path: environment.paths.logFile });
  const sinks: readonly LogSink[] = [console, file.sink];
  return { ...file, log: (level: LogLevel) => createLogger({ clock, sinks, level, redact }) };
}

/** Domains first, then the wire over them; they publish through a sink that reaches the wire once it is there. */
async function buildParts(base: Base, storage: Storage): Promise<Parts> {
  const { settings } = base;
  const directory = createAgentDirectory(settings.config);
  const { environment } = base.options;
  const trust = await openTrust({ ...base, ...storage, environment });
  // Before the wire is there nobody is connected who could miss an event.
  let publish: EventSink["publish"] = () => {};
  let renewHealth = (): void => {};
  const sink: EventSink = { publish: (...event) => publish(...event) };
  const messaging = await openMessaging({
    ...base,
    storage,
    directory,
    sink,
    configs: {
      section: () => settings.config.channels,
      resolve: (schema, config) => guests.resolve(schema, config),
    },
    maxConcurrent: settings.config.agents.defaults.maxConcurrent,
    onStuck: (runtime, runId) => guests.host.recycleAgent(runtime, `it ignored the abort of run ${runId}`),
    onChange: () => renewHealth(),
  });
  const guests = createGuests({ ...base, environment: base.options.environment, storage, messaging });
  const { wire, renew, closeWire } = buildWire(base, { storage, directory, messaging, guests, sink, trust });
  publish = wire.sink.publish.bind(wire.sink);
  renewHealth = renew;
  await messaging.turns.recover();
  const stopRetention = startRetention({
    ...base,
    ...storage,
    log: base.log.child("retention"),
    inbox: messaging.channels.inbox,
    keep: settings.config.retention,
  });
  return {
    storage,
    directory,
    messaging,
    guests,
    wire,
    async close() {
      stopRetention();
      closeWire();
      await messaging.channels.close(CONNECTIONS_MS);
      await guests.host.stop();
    },
  };
}

interface WireNeeds extends Pick<Parts, "storage" | "directory" | "messaging" | "guests"> {
  readonly sink: EventSink;
  readonly trust: Trust;
}

/** The wire with everything that speaks only through it: presence, health, tick. */
function buildWire(base: Base, needs: WireNeeds): { wire: WireServer; renew: () => void; closeWire: () => void } {
  const { clock, ids, log, options, problems, settings, tls } = base;
  const { storage, directory, messaging, sink, guests } = needs;
  const { paths } = options.environment;
  const versions = createStateVersions();
  const facts = { ...storage, ...messaging, directory, problems, now: () => clock.now() };
  const presence = createPresence({ clock, sink, versions, self: ownPresence(options.version) });
  const health = createHealth({ clock, sink, versions, log, facts: () => healthFacts(facts) });
  const importer = createMediaImporter(storage.media, clock);
  const about = { version: options.version, paths, settings, tls, clock, log, problems, sink };
  const devicePairing = createDevicePairing({ ...needs, settings, clock, ids });
  const handlers = createHandlers({ ...about, ...needs, host: guests.host, health, presence, importer, devicePairing });
  const startedAt = clock.now();
  const wire = createWireServer({
    clock,
    ids,
    log: log.child("wire"),
    store: storage.store,
    version: options.version,
    ...needs.trust,
    handlers,
    selfKeyed: new Set(["agent", "chat.send"]),
    snapshot: () => ({
      presence: presence.list(),
      health: health.current,
      stateVersion: versions.current,
      uptimeMs: clock.now() - startedAt,
      configPath: paths.configFile,
      stateDir: paths.stateDir,
      sessionDefaults: sessionDefaults(directory),
      authMode: authModeOf(settings.secret.auth.mode),
    }),
    onAdmitted: presence.connected.bind(presence),
    onConnected(caller) {
      devicePairing.connected(caller);
      health.greet(caller.connId);
    },
    onDisconnected: (caller) => [devicePairing, presence].forEach((part) => part.disconnected(caller)),
    problems: () => troubles(facts).map(({ reason }) => reason),
    localTrust: settings.config.gateway.auth.localTrust,
  });
  const undo = [
    problems.watch(() => void Promise.resolve(health.get({ probe: true })).catch(ignore)),
    health.start(),
    startTick({ clock, sink, intervalMs: LIMITS.tickIntervalMs }),
    () => importer.close(),
    devicePairing.start(wire),
  ];
  return { wire, renew: () => health.renew(), closeWire: () => undo.forEach((stop) => stop()) };
}

/** Clients of version 3 know four modes; in mode `tailscale` programs of this host use the token (wire protocol section 3). */
const authModeOf = (mode: AuthModeName) => (mode === "tailscale" ? "token" : mode);

function sessionDefaults(directory: AgentDirectory) {
  const { defaultId, mainKey, scope } = directory.agents();
  return { defaultAgentId: defaultId, mainKey, mainSessionKey: `agent:${defaultId}:${mainKey}`, scope };
}

interface Started {
  readonly parts: Parts;
  readonly gateway: Address;
  readonly ended: PromiseWithResolvers<void>;
  /** Closes what was built, last built first. */
  readonly stop: AsyncDisposableStack;
}

function running(base: Base, { parts, gateway, ended, stop }: Started): RunningGateway {
  const { options, settings, log, tls } = base;
  let closing: Promise<void> | undefined;
  async function close(farewell: Farewell): Promise<void> {
    await endWork({ ...base, ...parts.messaging, wire: parts.wire }, farewell);
    await stop.disposeAsync();
    await writeRunning(options.environment.paths.runningFile, { extensions: options.extensions });
    ended.resolve();
  }
  return {
    ...gateway,
    url: `${tls === undefined ? "ws" : "wss"}://${gateway.host.includes(":") ? `[${gateway.host}]` : gateway.host}:${gateway.port}`,
    ...(tls === undefined ? {} : { tlsFingerprint: tls.current.fingerprint }),
    log,
    secret: { mode: settings.secret.auth.mode, hint: settings.secret.hint, source: settings.secret.source },
    extensions: parts.guests.host.list().map(({ id, state, reason, fix, provides }) => ({
      id,
      state,
      ...(reason === undefined ? {} : { reason }),
      ...(fix === undefined ? {} : { fix }),
      channels: provides.channels ?? [],
    })),
    close: (farewell) => (closing ??= close(farewell)),
    closed: ended.promise,
  };
}
