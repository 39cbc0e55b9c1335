import { DatabaseSync } from "node:sqlite";
import { type Call, type Peer, type Receipt, SendError } from "openclaw-host-sdk";
import type { AgentRuntime } from "../agent/runtime.ts";
import { textOf } from "../agent/transcript-message.ts";
import type { Undo } from "../base/clock.ts";
import type { ChannelConnection } from "../host/channel-port.ts";
import { makeTestDir } from "../store/test-store.ts";
import { LIMITED_MS, type ModelAccount, accountOf } from "./model-part.ts";
import { EDGES, WATCH } from "./model-edges.ts";
import { MODEL_CHANNEL, type ModelProcess, openModelProcess } from "./model-process.ts";

/** What the platform answers to a send. It has what is `unknown`, does not have what has `vanished`, and says neither. */
export type Fate = "sent" | "not-sent" | "rejected" | "unknown" | "vanished" | "limited";
type Answer = (fate: Fate) => void;

/** One inbox row and one part that answers it, as the database has them. */
export interface StoredRow {
  readonly id: string;
  readonly inbox: string;
  readonly claims: number;
  readonly part: number | null;
  readonly state: string | null;
  readonly sends: number | null;
  readonly checks: number | null;
  /** 1 when nothing more happens to the part unless its owner says so. */
  readonly rests: number | null;
}

/** The platform, the agent and a gateway that can be killed, all steered by a test. */
export interface ModelHouse {
  /** Turns in hand, by event, as the agent sees them. */
  readonly turns: ReadonlyMap<string, (end: "ok" | "fails") => void>;
  /** Sends in hand, by part; those of an ended process are gone. */
  readonly sends: ReadonlyMap<string, Answer>;
  /** Questions in hand about parts of unknown fate. */
  readonly asks: ReadonlyMap<string, (answer: "truth" | "unknown") => void>;
  /** Sends that the gateway gave up and the platform may still answer. */
  readonly late: ReadonlyMap<string, Answer>;
  /** Whatever no interleaving may show, in words. */
  readonly faults: readonly string[];
  /** Several events are the pieces of an album. */
  receive(ids: readonly string[]): Promise<readonly string[]>;
  /** A piece of a burst. */
  say(id: string): Promise<readonly string[]>;
  connect(account: ModelAccount): void;
  disconnect(account: ModelAccount): void;
  advance(ms: number): Promise<void>;
  /** Sets the clock back by so much, ms; no time goes by. */
  setBack(ms: number): void;
  decide(id: string, decision: "retry" | "drop"): Promise<void>;
  /** Ends the process: what the writer was given is committed, nothing else is. */
  crash(): Promise<void>;
  open(): Promise<void>;
  rows(): StoredRow[];
  dispose(): Promise<void>;
}

const ROWS = `SELECT i.event_id AS id, i.state AS inbox, i.attempts + i.early_deaths AS claims, o.part, o.state,
    o.attempts AS sends, o.checks, o.next_at IS NULL AS rests
  FROM inbox i LEFT JOIN delivery_origins d ON d.inbox_id = i.id LEFT JOIN outbox o ON o.delivery_id = d.delivery_id
  ORDER BY i.id, o.part`;

const DELIVERY_OF =
  "SELECT d.delivery_id AS id FROM delivery_origins d JOIN inbox i ON i.id = d.inbox_id WHERE i.event_id = ?";
const EVENT_OF =
  "SELECT i.event_id AS id FROM inbox i JOIN delivery_origins d ON d.inbox_id = i.id WHERE d.delivery_id = ? ORDER BY i.id";

const laneOf = (id: string): string => id.split("-")[0] ?? "";

function failure(fate: Exclude<Fate, "sent">): SendError {
  switch (fate) {
    case "limited":
      return new SendError(fate, { fate: "not-sent", scope: "account", retryAfterMs: LIMITED_MS });
    case "vanished":
      return new SendError(fate, { fate: "unknown", scope: "message" });
    default:
      return new SendError(fate, { fate, scope: "message" });
  }
}

class Steered implements ModelHouse {
  readonly turns = new Map<string, (end: "ok" | "fails") => void>();
  readonly sends = new Map<string, Answer>();
  readonly asks = new Map<string, (answer: "truth" | "unknown") => void>();
  readonly late = new Map<string, Answer>();
  readonly faults: string[] = [];
  readonly #dir = makeTestDir();
  readonly #path = `${this.#dir.path}/host.db`;
  #process: ModelProcess | undefined;
  #reader: DatabaseSync | undefined;
  readonly #detach = new Map<ModelAccount, Undo>();
  #now = 1_700_000_000_000;
  /** Parts that the platform has, or may have, since the owner last asked for them. */
  readonly #arrived = new Set<string>();
  readonly #begun = new Map<string, number>();
  #generation = 0;

  async open(): Promise<void> {
    this.#process = await openModelProcess(this.#path, this.#now, this.#runtime());
    if (this.#reader === undefined) {
      this.#reader = new DatabaseSync(this.#path, { timeout: 5_000 });
      this.#reader.exec(WATCH);
    }
  }

  get #live(): ModelProcess {
    if (this.#process === undefined) throw new Error("the gateway does not run");
    return this.#process;
  }

  async receive(ids: readonly string[]): Promise<readonly string[]> {
    const [first = ""] = ids;
    // What answers something stands alone.
    if (ids.length === 1) return this.#receive(ids, {}, { replyTo: "0" });
    return this.#receive(ids, { group: first });
  }

  say(id: string): Promise<readonly string[]> {
    return this.#receive([id], {});
  }

  async #receive(
    ids: readonly string[],
    group: { readonly group?: string },
    reply: { readonly replyTo?: string } = {},
  ): Promise<readonly string[]> {
    const [first = ""] = ids;
    const peer = { kind: "dm", id: laneOf(first) } as const;
    const from = { id: laneOf(first), name: "Ada" };
    return await this.#live.receive(
      accountOf(first),
      ids.map((id) => ({
        eventId: id,
        at: 1,
        peer,
        from,
        type: "message",
        messageId: id,
        ...reply,
        body: { text: id, ...group },
      })),
    );
  }

  connect(account: ModelAccount): void {
    const name = { channel: MODEL_CHANNEL, account };
    this.#detach.set(account, this.#live.outbox.attach(name, this.#connection(account)));
  }

  disconnect(account: ModelAccount): void {
    this.#detach.get(account)?.();
    this.#detach.delete(account);
  }

  setBack(ms: number): void {
    this.#live.clock.jump(-ms);
  }

  async advance(ms: number): Promise<void> {
    await this.#live.clock.advance(ms);
    this.#now = this.#live.clock.now();
  }

  async decide(id: string, decision: "retry" | "drop"): Promise<void> {
    const found = this.#reader?.prepare(DELIVERY_OF).get(id);
    const again = this.rows().filter((row) => row.id === id && row.rests === 1 && row.state !== "sent");
    const forgotten = again.map(({ part }) => `${id}/${part}`).filter((key) => this.#arrived.has(key));
    if (decision === "retry") for (const key of forgotten) this.#arrived.delete(key);
    const decided = await this.#live.outbox[decision](String(found?.["id"]));
    if ((decided?.parts ?? 0) === 0) for (const key of forgotten) this.#arrived.add(key);
  }

  async crash(): Promise<void> {
    this.#generation += 1;
    this.#detach.clear();
    const { clock } = this.#live;
    // A send that was on its way may arrive: nobody will ever tell.
    for (const key of this.sends.keys()) this.#arrived.add(key);
    await this.#live.end();
    this.#process = undefined;
    this.#now = clock.now();
    for (const gates of [this.turns, this.sends, this.asks, this.late]) gates.clear();
  }

  rows(): StoredRow[] {
    return (this.#reader?.prepare(ROWS).all() ?? []) as unknown as StoredRow[];
  }

  async dispose(): Promise<void> {
    if (this.#process !== undefined) await this.crash();
    for (const { edge } of this.#reader?.prepare("SELECT DISTINCT edge FROM seen_edges").all() ?? []) {
      if (!EDGES.has(String(edge))) this.faults.push(`a change of state that is not allowed: ${String(edge)}`);
    }
    this.#reader?.close();
    this.#dir.remove();
  }

  #runtime(): AgentRuntime {
    const generation = this.#generation;
    const begin = (id: string) => this.#begin(id, generation);
    return {
      id: "steered",
      async *turn({ messages }) {
        const asked = messages.findLast((message) => message.role === "user");
        // An album says the names of all its pieces.
        const [id = ""] = (asked === undefined ? "" : textOf(asked)).split(/\s/u);
        if ((await begin(id)) === "fails") return yield { t: "done", reason: "error", error: "no" };
        yield { t: "text", delta: id };
        yield { t: "done", reason: "end" };
      },
    };
  }

  #begin(id: string, generation: number): Promise<"ok" | "fails"> {
    if (generation !== this.#generation) return new Promise(() => undefined);
    this.#begun.set(id, (this.#begun.get(id) ?? 0) + 1);
    const row = this.rows().find((one) => one.id === id);
    if (row === undefined || row.inbox !== "running") this.faults.push(`${id} ran while it was ${row?.inbox}`);
    if ((this.#begun.get(id) ?? 0) > 1 + (row?.claims ?? 0)) this.faults.push(`${id} ran twice`);
    return new Promise((resolve) => this.turns.set(id, (end) => (this.turns.delete(id), resolve(end))));
  }

  #connection(account: ModelAccount): ChannelConnection {
    const generation = this.#generation;
    const isGone = () => generation !== this.#generation;
    const never = <T>() => new Promise<T>(() => undefined);
    return {
      closed: never(),
      drain: async () => undefined,
      send: (outbound, { key }, { signal }) =>
        isGone() ? never() : this.#send(this.#partOf(key), outbound.to, signal),
      ...(account === "asks" && {
        reconcile: ({ to }: { readonly to: Peer }, { key }: { readonly key: string }, { signal }: Call) =>
          isGone() ? never() : this.#ask(this.#partOf(key), to, signal),
      }),
    };
  }

  #send(key: string, to: Peer, signal: AbortSignal): Promise<Receipt> {
    this.#watchSend(key, to.id);
    signal.addEventListener("abort", () => this.#giveUp(key), { once: true });
    return new Promise((resolve, reject) => {
      const answer = (fate: Fate) => {
        for (const gates of [this.sends, this.late]) if (gates.get(key) === answer) gates.delete(key);
        if (fate === "sent" || fate === "unknown") this.#arrived.add(key);
        if (fate === "sent") resolve(receiptOf(key, to));
        else reject(failure(fate));
      };
      this.sends.set(key, answer);
    });
  }

  #ask(key: string, to: Peer, signal: AbortSignal): Promise<Receipt | "absent" | "unknown"> {
    signal.addEventListener("abort", () => void this.asks.delete(key), { once: true });
    return new Promise((resolve) => {
      this.asks.set(key, (answer) => {
        this.asks.delete(key);
        const truth = this.#arrived.has(key) ? receiptOf(key, to) : "absent";
        resolve(answer === "truth" ? truth : "unknown");
      });
    });
  }

  #giveUp(key: string): void {
    const gate = this.sends.get(key);
    if (gate === undefined) return;
    this.#arrived.add(key);
    this.sends.delete(key);
    this.late.set(key, gate);
  }

  #watchSend(key: string, lane: string): void {
    const beside = [...this.sends.keys(), ...this.asks.keys()].filter((one) => laneOf(one) === laneOf(key));
    if (laneOf(key) !== lane) this.faults.push(`the answer to ${key} went to ${lane}`);
    if (beside.length > 0) this.faults.push(`${key} was sent beside ${beside.join()}`);
    const again = this.#arrived.has(key) && accountOf(key) !== "resends";
    if (again) this.faults.push(`${key} was sent again though it may have arrived`);
  }

  /** The key of a send is `<delivery>/<part>`. */
  #partOf(key: string): string {
    const [delivery = "", part = ""] = key.split("/");
    return `${String(this.#reader?.prepare(EVENT_OF).get(delivery)?.["id"])}/${part}`;
  }
}

const receiptOf = (key: string, peer: Peer): Receipt => ({ ids: [`r-${key}`], at: 1, peer });

export async function openModelHouse(): Promise<ModelHouse> {
  const house = new Steered();
  await house.open();
  return house;
}
