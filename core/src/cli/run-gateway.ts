import type { Farewell } from "../compose/shutdown.ts";
import type { RunningGateway, StartOptions } from "../gateway-options.ts";
import { CliFailure, EXIT, type ExitCode } from "./failure.ts";
import type { Io } from "./io.ts";

/** A gateway that does not end in this time after a signal is ended; what it had accepted is in its tables. */
const STOP_MS = 4_800;
/** A restart is not urgent: turns may go on for as long as in the field's gateway, ms. */
const RESTART_DRAIN_MS = 30_000;
/** What the end takes after clients were told, ms; the start is measured. */
const END_MS = 1_000;

/** What a signal asks for. */
type Wish = "stop" | "restart";

/** What signals have asked for; the first word counts, the second of a kind ends at once. */
interface Signals {
  /** The next wish for a restart, or the first for a stop. */
  next(): Promise<Wish>;
  /** A stop was asked for. */
  stopping(): boolean;
  /** Settles with the signal that asked for a stop. */
  readonly stop: Promise<string>;
  /** Settles when a stop was asked for twice. */
  readonly now: Promise<void>;
  close(): void;
}

function listenTo(io: Io): Signals {
  const stop = Promise.withResolvers<string>();
  const now = Promise.withResolvers<void>();
  let restart = Promise.withResolvers<Wish>();
  let stopping = false;
  const onStop = (signal: string) => () => {
    if (stopping) now.resolve();
    stopping = true;
    stop.resolve(signal);
  };
  const listeners = {
    SIGINT: onStop("SIGINT"),
    SIGTERM: onStop("SIGTERM"),
    SIGUSR2: () => restart.resolve("restart"),
  } as const;
  const entries = Object.entries(listeners) as [keyof typeof listeners, () => void][];
  for (const [signal, listener] of entries) io.signals.on(signal, listener);
  return {
    next() {
      restart = Promise.withResolvers<Wish>();
      return Promise.race([stop.promise.then(() => "stop" as const), restart.promise]);
    },
    stopping: () => stopping,
    stop: stop.promise,
    now: now.promise,
    close: () => entries.forEach(([signal, listener]) => io.signals.off(signal, listener)),
  };
}

/**
 * Runs a gateway until a signal stops it. SIGTERM and SIGINT drain and end within 5 s; a second one ends at once. SIGUSR2
 * drains at leisure and starts again in the same process, on the same port, with the configuration as it is then; a faulty
 * configuration refuses the restart and leaves the gateway running. The field's gateway takes SIGUSR1 for that (wire protocol
 * section 5.8), which opens Node's inspector and is therefore blocked here.
 *
 * @throws CliFailure when the gateway ended by itself; what `startGateway` throws.
 */
export async function runGateway(
  options: StartOptions,
  io: Io,
  onStarted: (gateway: RunningGateway) => void,
): Promise<ExitCode> {
  const startedAt = performance.now();
  const { startGateway } = await import("../gateway.ts");
  const gateway = await startGateway(options);
  const startMs = performance.now() - startedAt;
  onStarted(gateway);
  const signals = listenTo(io);
  // An error outside of every request is a bug: told with its stack, and no reason to drop everybody's connection.
  const onBug = (cause: unknown) => gateway.log.error("uncaught error; please report it", { error: cause });
  io.signals.on("uncaughtException", onBug);
  io.signals.on("unhandledRejection", onBug);
  try {
    return await serve({ options, onStarted, signals }, { gateway, startMs });
  } finally {
    signals.close();
    io.signals.off("uncaughtException", onBug);
    io.signals.off("unhandledRejection", onBug);
  }
}

interface Serving {
  readonly options: StartOptions;
  readonly onStarted: (gateway: RunningGateway) => void;
  readonly signals: Signals;
}

/** From one start to the next, or to the end. */
async function serve(serving: Serving, first: { gateway: RunningGateway; startMs: number }): Promise<ExitCode> {
  const { onStarted, options, signals } = serving;
  const { checkStart, startGateway } = await import("../gateway.ts");
  let { gateway, startMs } = first;
  for (;;) {
    const wish = await Promise.race([signals.next(), gateway.closed.then(() => "ended" as const)]);
    if (wish === "ended") throw new CliFailure("the gateway ended by itself: its log says why");
    if (wish === "stop") {
      const ended = await end(gateway, signals, { reason: `stopped by ${await signals.stop}` });
      return ended === "at once" ? EXIT.failed : EXIT.ok;
    }
    if (!(await mayRestart(gateway, () => checkStart(options)))) continue;
    const restartExpectedMs = Math.ceil(startMs + END_MS);
    const ended = await end(gateway, signals, { reason: "restarting", restartExpectedMs, drainMs: RESTART_DRAIN_MS });
    if (signals.stopping()) return ended === "at once" ? EXIT.failed : EXIT.ok;
    if (ended !== "in time") return EXIT.failed;
    const startedAt = performance.now();
    gateway = await startGateway({ ...options, port: gateway.port });
    startMs = performance.now() - startedAt;
    onStarted(gateway);
  }
}

async function mayRestart({ log }: RunningGateway, check: () => Promise<void>): Promise<boolean> {
  try {
    await check();
    return true;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    log.error("not restarted: it would not start again; correct this and send SIGUSR2 once more", { reason });
    return false;
  }
}

type Ended = "in time" | "late" | "at once";

/** Ends a gateway within its time. A stop that comes while it drains for a restart leaves it no more than a stop has. */
async function end(gateway: RunningGateway, signals: Signals, farewell: Farewell): Promise<Ended> {
  const over = new AbortController();
  const within = (ms: number) =>
    new Promise<Ended>((resolve) => {
      const timer = setTimeout(() => resolve("late"), ms);
      over.signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
    });
  const ended = await Promise.race([
    gateway.close(farewell).then((): Ended => "in time"),
    within((farewell.drainMs ?? 0) + STOP_MS),
    signals.stop.then(() => within(STOP_MS)),
    signals.now.then((): Ended => "at once"),
  ]);
  over.abort();
  if (ended === "late") gateway.log.warn("closing took too long; ending now, the rest goes on at the next start");
  if (ended === "at once") gateway.log.warn("told twice to stop; ending now, the rest goes on at the next start");
  return ended;
}
