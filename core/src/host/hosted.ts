import type { ExtensionRow, Manifest } from "openclaw-host-schemas";
import type { Undo } from "../base/clock.ts";
import { whyIdle } from "./activation.ts";
import { agentRuntime } from "./agent-bridge.ts";
import { channelPort } from "./channel-bridge.ts";
import type { Discovered } from "./discover/discover.ts";
import type { Guest } from "./guest.ts";
import type { ExtensionHostParts } from "./host-parts.ts";
import { createLauncher } from "./launch.ts";
import { type Lifecycle, createLifecycle } from "./lifecycle.ts";
import { LineError } from "./line/line-error.ts";
import { createMediaBorder } from "./outbound-media.ts";
import { type SupervisionPolicy, Supervisor } from "./supervise.ts";

/** The parts of the host, and the extension in question. */
export interface HostedParts extends Omit<ExtensionHostParts, "policy"> {
  readonly found: Discovered;
  readonly policy: SupervisionPolicy;
}

/** One extension in the host, whatever its state. */
export interface HostedExtension {
  /** Ids of the agents its manifest promises. */
  readonly agents: readonly string[];
  /** Begins to load it when something needs it; returns at once. */
  start(): void;
  /** Resolves when it is not in its first `loading`. */
  settled(): Promise<void>;
  /** Its row in `extensions.list`. */
  row(): ExtensionRow;
  /** Ends its guest, which is started again. */
  recycle(reason: string): void;
  /** Unregisters first, so that nobody calls a guest that is going away. Calling it twice is harmless. */
  stop(): Promise<void>;
}

/** Walks one extension through its life. What was refused at discovery stays as a row that says why. */
export function hostExtension(parts: HostedParts): HostedExtension {
  const { found, clock } = parts;
  const life = createLifecycle(clock);
  const registrations = createRegistrations();
  const firstLoad = Promise.withResolvers<void>();
  let supervisor: Supervisor | undefined;
  if (found.state === "refused") life.enter({ state: "refused", ...found.refusal });

  const running = (): Supervisor => {
    if (supervisor === undefined) throw new LineError("down", `the extension '${found.id}' is not running`);
    return supervisor;
  };
  const begin = (runnable: Runnable) => {
    const idle = whyIdle(runnable.manifest, parts.isConfigured);
    const waiting = idle ?? { reason: "it is about to be loaded", fix: "wait a moment" };
    life.enter({ state: "enabled", ...waiting });
    if (idle !== undefined) return firstLoad.resolve();
    const log = parts.log.child(found.id);
    supervisor = new Supervisor({
      extension: found.id,
      life,
      clock,
      ids: parts.ids,
      log,
      policy: parts.policy,
      launch: createLauncher({ ...parts, log, found: runnable }),
      onActive: (guest) =>
        registrations.renew(guest, (add) => register(parts, runnable.manifest, { guest, running, add })),
      onSettled: firstLoad.resolve,
    });
  };
  return {
    agents: found.manifest?.provides.agents ?? [],
    start() {
      if (found.state === "discovered") begin(found);
      else firstLoad.resolve();
    },
    settled: () => firstLoad.promise,
    row: () => describe(parts, life, supervisor),
    recycle: (reason) => supervisor?.recycle(reason),
    async stop() {
      registrations.undo();
      await supervisor?.stop();
      if (life.current.state !== "removed") life.enter({ state: "removed" });
    },
  };
}

/** An extension that was not refused. */
export type Runnable = Extract<Discovered, { state: "discovered" }>;

/** What the running code has registered with the rest of the gateway. */
interface Registrations {
  /**
   * Registers anew when the guest offers something else than the one before; `register` adds the undo of each thing it has
   * registered. When it throws, everything it did is undone and the next guest starts from nothing.
   */
  renew(guest: Guest, register: (add: (undo: Undo) => void) => void): void;
  undo(): void;
}

/** What a guest registered stays while it restarts: its accounts find it again by their own retries. */
function createRegistrations(): Registrations {
  const undos: Undo[] = [];
  /** What the registered guest offers, as JSON; empty when nothing is registered. */
  let offer = "";
  const undo = () => {
    offer = "";
    for (const last of undos.splice(0).reverse()) last();
  };
  return {
    undo,
    renew(guest, register) {
      const next = JSON.stringify(guest.offer);
      if (next === offer) return;
      undo();
      try {
        register((added) => void undos.push(added));
        offer = next;
      } catch (error) {
        undo();
        throw error;
      }
    },
  };
}

/** What is registered, and where its undos go. */
interface Registering {
  readonly guest: Guest;
  readonly running: () => Supervisor;
  readonly add: (undo: Undo) => void;
}

/** Registers ports and runtimes for what the code defines, with the schemas of the manifest. */
function register(parts: HostedParts, manifest: Manifest, { guest, running, add }: Registering): void {
  const common = {
    extension: manifest.id,
    net: manifest.permissions.net ?? [],
    guest: () => running().guest(),
    media: createMediaBorder(parts.media, manifest.id),
    clock: parts.clock,
    log: parts.log.child(manifest.id),
  };
  for (const channel of guest.offer.channels) {
    const config = manifest.config[channel.id] ?? {};
    const schema = { config, account: manifest.config[`${channel.id}.account`] ?? config };
    add(parts.registerChannel(channelPort({ ...common, channel, schema })));
  }
  for (const agent of guest.offer.agents) {
    const config = () => parts.agentConfig(agent);
    add(parts.registerAgent(agentRuntime({ ...common, agent, schema: manifest.config[agent], config })));
  }
}

/** The row of `extensions.list`. Reasons may quote the extension, so they pass the redactor. */
function describe(parts: HostedParts, life: Lifecycle, supervisor: Supervisor | undefined): ExtensionRow {
  const { found, redact } = parts;
  const { current, since } = life;
  const pid = supervisor?.pid;
  return {
    id: found.id,
    path: found.path,
    state: current.state,
    since,
    provides: found.manifest?.provides ?? {},
    isolation: parts.isolationOf(found.id),
    restarts: supervisor?.restarts ?? 0,
    ...(found.manifest === undefined ? {} : { version: found.manifest.version }),
    ...("reason" in current ? { reason: redact(current.reason) } : {}),
    ...("fix" in current ? { fix: redact(current.fix) } : {}),
    ...("retryAt" in current ? { retryAt: current.retryAt } : {}),
    ...("loadMs" in current ? { loadMs: current.loadMs } : {}),
    ...(pid === undefined ? {} : { pid }),
  };
}
