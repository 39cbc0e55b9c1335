/**
 * Whether an account may connect. `closed`: it may, as often as the back-off lets it. `open`: too many connections failed or
 * broke young, so it rests. `half-open`: it has rested and has one attempt, which decides. Times are epoch ms.
 */
export type Circuit =
  | { readonly state: "closed"; readonly failures: readonly number[] }
  /** `count`: failures in a row. */
  | { readonly state: "open"; readonly restMs: number; readonly count: number }
  | { readonly state: "half-open"; readonly restMs: number; readonly count: number };

export type CircuitEvent =
  /** A connection could not be made, or broke before it was a good one. */
  | { readonly type: "failed"; readonly at: number }
  /** A connection has lasted long enough to be a good one. */
  | { readonly type: "lasted" }
  /** The rest is over, or somebody found out that the platform answers again. */
  | { readonly type: "rested" };

/** Failures within this time count together, ms. */
const WINDOW_MS = 10 * 60_000;
/**
 * Failures that open the circuit. The back-off of the first seven adds up to one to two minutes, so a router that restarts or
 * a short outage of a platform never opens it; a platform that closes every connection again at once does.
 */
const FAILURES = 8;
/**
 * Rests, ms: the first is as long as the longest wait of the back-off, the longest bounds a platform that is down for days to
 * some hundred attempts a day.
 */
const FIRST_REST_MS = 5 * 60_000;
const LONGEST_REST_MS = 15 * 60_000;

export const CLOSED_CIRCUIT: Circuit = { state: "closed", failures: [] };

type Step = (circuit: Circuit, event: CircuitEvent) => Circuit;

const stay: Step = (circuit) => circuit;
const close: Step = () => CLOSED_CIRCUIT;

const count: Step = (circuit, event) => {
  if (event.type !== "failed" || circuit.state !== "closed") return circuit;
  const failures = [...circuit.failures.filter((before) => Math.abs(event.at - before) < WINDOW_MS), event.at];
  return failures.length < FAILURES
    ? { state: "closed", failures }
    : { state: "open", restMs: FIRST_REST_MS, count: failures.length };
};

const restLonger: Step = (circuit) => {
  if (circuit.state === "closed") return circuit;
  const restMs = Math.min(LONGEST_REST_MS, circuit.restMs + FIRST_REST_MS);
  return { state: "open", restMs, count: circuit.count + 1 };
};

const tryOnce: Step = (circuit) => (circuit.state === "open" ? { ...circuit, state: "half-open" } : circuit);

const STEPS: { readonly [S in Circuit["state"]]: { readonly [E in CircuitEvent["type"]]: Step } } = {
  closed: { failed: count, lasted: close, rested: stay },
  open: { failed: stay, lasted: stay, rested: tryOnce },
  "half-open": { failed: restLonger, lasted: close, rested: stay },
};

/** The circuit after an event. */
export const afterEvent: Step = (circuit, event) => STEPS[circuit.state][event.type](circuit, event);
