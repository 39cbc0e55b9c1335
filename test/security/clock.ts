import type { Systems } from "openclaw-host";

/** The real clock, which a test can set forward and back; timers keep their real time, as an operating system's do. */
export interface TestClock {
  now(): number;
  after(ms: number, run: () => void): () => void;
  every(ms: number, run: () => void): () => void;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  shift(ms: number): void;
}

export function createTestClock(): TestClock & NonNullable<Systems["clock"]> {
  let offset = 0;
  return {
    now: () => Date.now() + offset,
    after(ms, run) {
      const timer = setTimeout(run, Math.min(ms, 2 ** 31 - 1)).unref();
      return () => clearTimeout(timer);
    },
    every(ms, run) {
      const timer = setInterval(run, Math.min(ms, 2 ** 31 - 1)).unref();
      return () => clearInterval(timer);
    },
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        signal?.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
      }),
    shift: (ms) => {
      offset += ms;
    },
  };
}
