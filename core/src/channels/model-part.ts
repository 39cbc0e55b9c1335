/** Three accounts that differ in what becomes of a part of unknown fate. */
export type ModelAccount = "parks" | "resends" | "asks";
export const MODEL_ACCOUNTS: readonly ModelAccount[] = ["parks", "resends", "asks"];
/** The account of each lane. */
export const ACCOUNT_OF_LANE: readonly ModelAccount[] = ["parks", "parks", "resends", "asks"];
export const MODEL_LANES: number = ACCOUNT_OF_LANE.length;

/** Of an event or a part: their names begin with their lane. */
export const accountOf = (id: string): ModelAccount => ACCOUNT_OF_LANE[Number(id.split("-")[0])] ?? "parks";

/** Every second answer is cut in three. */
export const partsOf = (id: string): number => (Number(id.split("-")[1]) % 2 === 1 ? 3 : 1);

export interface ModelPart {
  /** `<event>/<index>`. */
  readonly key: string;
  readonly index: number;
  /** Of all parts, in the order they were stored. */
  readonly order: number;
  state: "queued" | "sending" | "retry" | "unknown" | "dead" | "sent";
  /** True when a part of unknown fate waits for its owner. */
  parked: boolean;
  sends: number;
  /** Sends since the owner last asked for it. */
  tries: number;
  checks: number;
  /** True while the platform is asked about it. */
  asking: boolean;
  dueAt: number;
  /** When it was decided that it is due then. */
  setAt: number;
  /** A call in hand is given up then. */
  deadline: number;
  /** The platform has it. */
  arrived: boolean;
  /** The send that was given up and is not answered yet. */
  lateOf?: number;
}

export interface ModelEvent {
  readonly id: string;
  readonly lane: number;
  /** Of an album or burst; they are one turn. */
  readonly pieces: string[];
  /** When its first piece came, if it is a burst. */
  readonly burstAt?: number;
  state: "recorded" | "running" | "done";
  claims: number;
  dueAt: number;
  setAt: number;
  parts: ModelPart[];
}

/** After so long without an answer a send is of unknown fate, and a question unanswered, ms. */
export const SEND_MS: number = 60_000;
export const ASK_MS: number = 30_000;
export const MAX_TRIES: number = 12;
export const MAX_CHECKS: number = 5;
/** What the platform wants when it limits an account, ms. */
export const LIMITED_MS: number = 3_000;
/** A message that was in hand at so many deaths runs beside no other such message. */
export const SUSPECT: number = 2;
/** An album waits so long for its next piece, and a burst, ms. */
export const ALBUM_MS: number = 1_000;
/** No burst waits longer, ms. */
export const BURST_MS: number = 10_000;
/** A clock that was set back is noticed at the next of these, ms. */
export const WATCH_MS: number = 10_000;

export const isOpen = ({ state, parked }: ModelPart): boolean => state !== "sent" && state !== "dead" && !parked;
export const isInHand = ({ state, asking }: ModelPart): boolean => state === "sending" || asking;
export const backoff = (failures: number): number => Math.min(600_000, 1_000 * 2 ** (Math.max(1, failures) - 1)) / 2;

export const newPart = (name: Pick<ModelPart, "key" | "index" | "order">, now: number): ModelPart => ({
  ...name,
  state: "queued",
  parked: false,
  sends: 0,
  tries: 0,
  checks: 0,
  asking: false,
  dueAt: now,
  setAt: now,
  deadline: Infinity,
  arrived: false,
});
