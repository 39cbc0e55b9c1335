import type { Fate, StoredRow } from "./model-house.ts";
import {
  ACCOUNT_OF_LANE,
  ALBUM_MS,
  ASK_MS,
  LIMITED_MS,
  MAX_CHECKS,
  MAX_TRIES,
  SEND_MS,
  SUSPECT,
  WATCH_MS,
  accountOf,
  backoff,
  isInHand,
  isOpen,
  newPart,
  partsOf,
  type ModelAccount,
  type ModelEvent,
  type ModelPart,
} from "./model-part.ts";

/**
 * The pipeline as a reader of its documentation would build it: an array of events in the order they were stored, no threads,
 * no database. The real one must look the same whenever it rests.
 */
export class ModelPipeline {
  readonly events: ModelEvent[] = [];
  readonly connected: Set<ModelAccount> = new Set();
  /** Accounts that their platform wants to hear nothing of, until when; their first call after it comes alone. */
  readonly #resting = new Map<ModelAccount, { until: number; free: number }>();
  now: number = 0;
  crashes: number = 0;
  #openedAt = 0;
  #orders = 0;
  /** Since when the clock is behind, unnoticed: what was to happen later waits for the notice. */
  #behindSince = Infinity;

  receive(lane: number, pieces = 1): ModelEvent {
    const id = `${lane}-${this.events.length}`;
    const event: ModelEvent = {
      id,
      lane,
      pieces: Array.from({ length: pieces }, (_, index) => (index === 0 ? id : `${id}-${index}`)),
      state: "recorded",
      claims: 0,
      dueAt: pieces === 1 ? this.now : this.now + ALBUM_MS,
      setAt: this.now,
      parts: [],
    };
    this.events.push(event);
    this.settle();
    return event;
  }

  running(): ModelEvent[] {
    return this.events.filter(({ state }) => state === "running");
  }

  parts(fits: (part: ModelPart) => boolean): ModelPart[] {
    return this.events.flatMap(({ parts }) => parts).filter((part) => fits(part));
  }

  sending(): ModelPart[] {
    return this.parts(({ state }) => state === "sending");
  }

  asking(): ModelPart[] {
    return this.parts(({ asking }) => asking);
  }

  late(): ModelPart[] {
    return this.parts(({ lateOf, asking }) => lateOf !== undefined && !asking);
  }

  answered(): ModelEvent[] {
    return this.events.filter(({ parts }) => parts.length > 0);
  }

  /** A turn that fails is answered too, in one part. */
  endTurn(event: ModelEvent, end: "ok" | "fails"): void {
    event.state = "done";
    event.parts = Array.from({ length: end === "ok" ? partsOf(event.id) : 1 }, (_, index) => {
      this.#orders += 1;
      return newPart({ key: `${event.id}/${index}`, index, order: this.#orders }, this.now);
    });
    this.settle();
  }

  answer(part: ModelPart, fate: Fate): void {
    this.#answer(part, fate);
    this.settle();
  }

  #answer(part: ModelPart, fate: Fate): void {
    switch (fate) {
      case "sent":
        part.arrived = true;
        part.state = "sent";
        return;
      case "rejected":
        return this.#bury(part);
      case "unknown":
      case "vanished":
        part.arrived ||= fate === "unknown";
        return this.#lose(part);
      case "not-sent":
        return part.tries >= MAX_TRIES ? this.#bury(part) : this.#wait(part, backoff(part.tries));
      case "limited":
        part.sends -= 1;
        part.tries -= 1;
        this.#resting.set(accountOf(part.key), { until: this.now + LIMITED_MS, free: 1 });
        return this.#wait(part, LIMITED_MS);
    }
  }

  /** What the platform says of a part: whether it has it, or that it cannot tell. */
  tell(part: ModelPart, answer: "truth" | "unknown"): void {
    part.asking = false;
    if (answer === "unknown") this.#cannotTell(part);
    else if (part.arrived) part.state = "sent";
    else this.#wait(part, 0);
    this.settle();
  }

  /** Only a receipt counts that late, and only for the last send. */
  answerLate(part: ModelPart, fate: Fate): void {
    const isLast = part.lateOf === part.sends && part.state !== "sending";
    delete part.lateOf;
    if (fate === "sent" && isLast) Object.assign(part, { state: "sent", parked: false });
    this.settle();
  }

  decide({ parts }: ModelEvent, decision: "retry" | "drop"): void {
    if (parts.some(isInHand)) return;
    for (const part of parts) {
      if (decision === "drop") {
        if (part.state !== "sent") Object.assign(part, { state: "dead", parked: false });
      } else if (part.state === "dead" || part.parked) {
        Object.assign(part, { state: "queued", parked: false, tries: 0, checks: 0, dueAt: this.now, setAt: this.now });
        part.arrived = false;
      }
    }
    this.settle();
  }

  connect(account: ModelAccount): void {
    this.connected.add(account);
    this.settle();
  }

  crash(): void {
    this.connected.clear();
    this.#resting.clear();
    this.crashes += 1;
    this.#openedAt = this.now;
    for (const event of this.events) {
      if (event.state === "running") Object.assign(event, { state: "recorded", claims: event.claims + 1 });
      for (const part of event.parts) {
        delete part.lateOf;
        part.asking = false;
        if (part.state !== "sending") continue;
        Object.assign(part, { state: "unknown", dueAt: this.now, setAt: this.now, arrived: true });
      }
    }
  }

  /** The clock is set back; what was to happen later waits until that is noticed, and then as long as was meant. */
  setBack(): void {
    this.#behindSince = this.now;
  }

  /** Until it is noticed that the clock was set back. */
  untilNotice(): number {
    return WATCH_MS - ((this.now - this.#openedAt) % WATCH_MS);
  }

  notice(): void {
    this.#behindSince = Infinity;
    this.settle();
  }

  isResting(): boolean {
    return [...this.#resting.values()].some(({ until }) => until >= this.now);
  }

  /** Until the next thing happens by itself, but at most `ms`. */
  untilNext(ms: number): number {
    const times = [
      ...this.events.filter(({ state }) => state === "recorded").map(({ dueAt }) => dueAt),
      ...this.parts(isInHand).map(({ deadline }) => deadline),
      ...this.parts((part) => isOpen(part) && !isInHand(part)).map(({ dueAt }) => dueAt),
      ...[...this.#resting.values()].flatMap(({ until }) => [until, until + 1]),
    ];
    return Math.min(ms, ...times.map((time) => time - this.now).filter((left) => left > 0));
  }

  advance(ms: number): void {
    this.now += ms;
    for (const part of this.parts((one) => isInHand(one) && one.deadline <= this.now)) {
      if (part.asking) {
        part.asking = false;
        this.#cannotTell(part);
      } else {
        part.lateOf = part.sends;
        part.arrived = true;
        this.#lose(part);
      }
    }
    for (const [account, { until }] of this.#resting) if (until < this.now) this.#resting.delete(account);
    this.settle();
  }

  /** Whatever may happen without anybody's doing. */
  settle(): void {
    for (const event of this.events.toSorted((a, b) => a.dueAt - b.dueAt)) this.#claim(event);
    for (const account of this.connected) while (this.#takeOne(account));
  }

  rows(): StoredRow[] {
    return this.events.flatMap(({ pieces, state: inbox, claims, parts }) =>
      pieces.flatMap((id): StoredRow[] => {
        const none = { id, inbox, claims, part: null, state: null, sends: null, checks: null, rests: 1 };
        if (parts.length === 0) return [none];
        return parts.map((part) => ({
          ...none,
          part: part.index,
          state: part.state,
          sends: part.sends,
          checks: part.checks,
          rests: isOpen(part) ? 0 : 1,
        }));
      }),
    );
  }

  #wait(part: ModelPart, ms: number): void {
    Object.assign(part, { state: "retry", dueAt: this.now + ms, setAt: this.now });
  }

  /** A message with a hole in it is worse than a short one. */
  #bury(part: ModelPart): void {
    part.state = "dead";
    const event = this.events.find(({ parts }) => parts.includes(part));
    for (const later of event?.parts ?? []) if (later.index > part.index && isOpen(later)) later.state = "dead";
  }

  #lose(part: ModelPart): void {
    Object.assign(part, { state: "unknown", dueAt: this.now, setAt: this.now });
    const account = accountOf(part.key);
    if (account === "asks") return;
    if (account === "resends" && part.tries < MAX_TRIES) this.#wait(part, backoff(part.tries));
    else part.parked = true;
  }

  #cannotTell(part: ModelPart): void {
    if (part.checks >= MAX_CHECKS) part.parked = true;
    else Object.assign(part, { dueAt: this.now + backoff(part.checks), setAt: this.now });
  }

  #isDue({ dueAt, setAt }: { dueAt: number; setAt: number }): boolean {
    return dueAt <= this.now && !(setAt <= this.#behindSince && this.#behindSince <= this.now);
  }

  #claim(event: ModelEvent): void {
    const first = this.events.find(({ lane, state }) => lane === event.lane && state !== "done");
    if (first !== event || event.state !== "recorded" || !this.#isDue(event)) return;
    if (event.claims >= SUSPECT && this.running().some(({ claims }) => claims >= SUSPECT)) return;
    event.state = "running";
  }

  /** The next part of an account, of all lanes in which none is in hand. */
  #takeOne(account: ModelAccount): boolean {
    const resting = this.#resting.get(account);
    if (resting !== undefined && (resting.until > this.now || resting.free === 0)) return false;
    const lanes = [...ACCOUNT_OF_LANE.keys()].filter((lane) => ACCOUNT_OF_LANE[lane] === account);
    const heads = lanes.flatMap((lane) => {
      const open = this.events.flatMap((event) => (event.lane === lane ? event.parts.filter(isOpen) : []));
      return open.some(isInHand) ? [] : open.slice(0, 1).filter((part) => this.#isDue(part));
    });
    const [part] = heads.sort((a, b) => a.dueAt - b.dueAt || a.order - b.order);
    if (part === undefined) return false;
    if (resting !== undefined) resting.free -= 1;
    this.#take(part, account);
    return true;
  }

  #take(part: ModelPart, account: ModelAccount): void {
    if (part.state === "unknown") {
      part.checks += 1;
      if (account !== "asks") return this.#lose(part);
      Object.assign(part, { asking: true, deadline: this.now + ASK_MS });
      return;
    }
    part.sends += 1;
    part.tries += 1;
    Object.assign(part, { state: "sending", deadline: this.now + SEND_MS });
  }
}
