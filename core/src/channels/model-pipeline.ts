import type { Fate, StoredRow } from "./model-house.ts";

/** What answers an event, as the model has it. */
interface ModelPart {
  state: "queued" | "sending" | "retry" | "unknown" | "dead" | "sent";
  /** True when a part of unknown fate waits for its owner. */
  parked: boolean;
  sends: number;
  /** Sends since the owner last asked for it. */
  tries: number;
  dueAt: number;
}

export interface ModelEvent {
  readonly id: string;
  readonly lane: number;
  state: "recorded" | "running" | "done";
  claims: number;
  part?: ModelPart;
  /** The gateway gave its send up, and the platform has not answered. */
  late: boolean;
}

/** After so long without an answer a send is of unknown fate, ms. */
const SEND_MS = 60_000;
const MAX_TRIES = 12;
/** A message that was in hand at so many deaths runs beside no other such message. */
const SUSPECT = 2;

const isOpen = ({ state, parked }: ModelPart): boolean => state !== "sent" && state !== "dead" && !parked;

/**
 * The pipeline as a reader of its documentation would build it: an array of events in the order they were stored, no threads,
 * no database. The real one must look the same whenever it rests.
 */
export class ModelPipeline {
  readonly events: ModelEvent[] = [];
  connected = false;
  now = 0;
  crashes = 0;

  receive(lane: number): ModelEvent {
    const event: ModelEvent = {
      id: `${lane}-${this.events.length}`,
      lane,
      state: "recorded",
      claims: 0,
      late: false,
    };
    this.events.push(event);
    this.settle();
    return event;
  }

  running(): ModelEvent[] {
    return this.events.filter(({ state }) => state === "running");
  }

  sending(): ModelEvent[] {
    return this.events.filter(({ part }) => part?.state === "sending");
  }

  late(): ModelEvent[] {
    return this.events.filter(({ late }) => late);
  }

  answered(): ModelEvent[] {
    return this.events.filter(({ part }) => part !== undefined);
  }

  endTurn(event: ModelEvent): void {
    event.state = "done";
    event.part = { state: "queued", parked: false, sends: 0, tries: 0, dueAt: this.now };
    this.settle();
  }

  answer(event: ModelEvent, fate: Fate): void {
    const { part } = event;
    if (part === undefined) return;
    switch (fate) {
      case "sent":
        part.state = "sent";
        break;
      case "rejected":
        part.state = "dead";
        break;
      case "unknown":
        Object.assign(part, { state: "unknown", parked: true });
        break;
      case "not-sent":
        part.state = part.tries >= MAX_TRIES ? "dead" : "retry";
        part.dueAt = this.now + Math.min(600_000, 1_000 * 2 ** (part.tries - 1)) / 2;
        break;
    }
    this.settle();
  }

  /** Only a receipt counts that late, and only for the last send. */
  answerLate(event: ModelEvent, fate: Fate): void {
    event.late = false;
    if (fate === "sent" && event.part !== undefined && event.part.state !== "sending") {
      Object.assign(event.part, { state: "sent", parked: false });
    }
    this.settle();
  }

  decide({ part }: ModelEvent, decision: "retry" | "drop"): void {
    if (part === undefined || part.state === "sending" || part.state === "sent") return;
    if (decision === "drop") Object.assign(part, { state: "dead", parked: false });
    else if (part.state === "dead" || part.parked) {
      Object.assign(part, { state: "queued", parked: false, tries: 0, dueAt: this.now });
    }
    this.settle();
  }

  connect(): void {
    this.connected = true;
    this.settle();
  }

  crash(): void {
    this.connected = false;
    this.crashes += 1;
    for (const event of this.events) {
      event.late = false;
      if (event.state === "running") Object.assign(event, { state: "recorded", claims: event.claims + 1 });
      if (event.part?.state === "sending") Object.assign(event.part, { state: "unknown", dueAt: this.now });
    }
  }

  /** Until the next thing happens by itself, but at most `ms`. */
  untilNext(ms: number): number {
    const times = this.events.flatMap(({ part }) => {
      if (part?.state === "sending") return [part.dueAt];
      return part?.state === "retry" && this.connected ? [part.dueAt] : [];
    });
    return Math.min(ms, ...times.map((time) => time - this.now).filter((left) => left > 0));
  }

  advance(ms: number): void {
    this.now += ms;
    for (const event of this.sending()) {
      const { part } = event;
      if (part === undefined || part.dueAt > this.now) continue;
      Object.assign(part, { state: "unknown", parked: true });
      event.late = true;
    }
    this.settle();
  }

  /** Whatever may happen without anybody's doing. */
  settle(): void {
    for (const event of this.events) this.#claim(event);
    for (const event of this.connected ? this.events : []) this.#take(event);
  }

  rows(): StoredRow[] {
    return this.events.map(({ id, state, claims, part }) => ({
      id,
      inbox: state,
      claims,
      part: part?.state ?? null,
      sends: part?.sends ?? null,
      rests: part === undefined || !isOpen(part) ? 1 : 0,
    }));
  }

  #claim(event: ModelEvent): void {
    const first = this.events.find(({ lane, state }) => lane === event.lane && state !== "done");
    if (first !== event || event.state !== "recorded") return;
    if (event.claims >= SUSPECT && this.running().some(({ claims }) => claims >= SUSPECT)) return;
    event.state = "running";
  }

  #take(event: ModelEvent): void {
    const lane = this.events.filter((one) => one.lane === event.lane && one.part !== undefined && isOpen(one.part));
    if (lane.some(({ part }) => part?.state === "sending") || lane[0] !== event || event.part === undefined) return;
    const { part } = event;
    // A claimed part keeps its own times; nothing else of its conversation moves meanwhile.
    if (part.dueAt > this.now) return;
    if (part.state === "unknown") return void (part.parked = true);
    Object.assign(part, {
      state: "sending",
      sends: part.sends + 1,
      tries: part.tries + 1,
      dueAt: this.now + SEND_MS,
    });
  }
}
