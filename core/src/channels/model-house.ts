import { DatabaseSync } from "node:sqlite";
import { type Receipt, SendError } from "openclaw-host-sdk";
import type { AgentRuntime } from "../agent/runtime.ts";
import { textOf } from "../agent/transcript-message.ts";
import type { Undo } from "../base/clock.ts";
import type { ChannelConnection } from "../host/channel-port.ts";
import { makeTestDir } from "../store/test-store.ts";
import { MODEL_ACCOUNT, type ModelProcess, openModelProcess } from "./model-process.ts";

/** What the platform answers to a send. */
export type Fate = "sent" | "not-sent" | "rejected" | "unknown";

/** One inbox row and the part that answers it, as the database has them. */
export interface StoredRow {
  readonly id: string;
  readonly inbox: string;
  readonly claims: number;
  readonly part: string | null;
  readonly sends: number | null;
  /** 1 when nothing more happens to the part unless its owner says so. */
  readonly rests: number | null;
}

/** The platform, the agent and a gateway that can be killed, all steered by a test. */
export interface ModelHouse {
  /** Turns in hand, by event, as the agent sees them. */
  readonly turns: ReadonlyMap<string, (end: "ok" | "fails") => void>;
  /** Sends in hand, by event; those of an ended process are gone. */
  readonly sends: ReadonlyMap<string, (fate: Fate) => void>;
  /** Sends that the gateway gave up and the platform may still answer. */
  readonly late: ReadonlyMap<string, (fate: Fate) => void>;
  /** Whatever no interleaving may show, in words. */
  readonly faults: readonly string[];
  receive(id: string, lane: number): Promise<readonly string[]>;
  connect(): void;
  disconnect(): void;
  advance(ms: number): Promise<void>;
  decide(id: string, decision: "retry" | "drop"): Promise<void>;
  /** Ends the process: what the writer was given is committed, nothing else is. */
  crash(): Promise<void>;
  open(): Promise<void>;
  rows(): StoredRow[];
  dispose(): Promise<void>;
}

/** Changes of state that the design allows, as the database sees them. */
const EDGES: ReadonlySet<string> = new Set([
  "inbox recorded>running",
  "inbox running>done",
  "inbox running>recorded",
  "outbox queued>sending",
  "outbox queued>dead",
  "outbox retry>sending",
  "outbox retry>dead",
  "outbox sending>sent",
  "outbox sending>retry",
  "outbox sending>dead",
  "outbox sending>unknown",
  "outbox unknown>queued",
  "outbox unknown>dead",
  "outbox dead>queued",
  // A late receipt tells the truth about whatever was decided meanwhile.
  "outbox unknown>sent",
  "outbox queued>sent",
  "outbox dead>sent",
]);

/** Every change is written down inside the transaction that makes it, so that none is missed. */
const WATCH = `CREATE TABLE seen_edges (edge TEXT);
  CREATE TRIGGER see_inbox AFTER UPDATE OF state ON inbox WHEN OLD.state <> NEW.state
    BEGIN INSERT INTO seen_edges VALUES ('inbox ' || OLD.state || '>' || NEW.state); END;
  CREATE TRIGGER see_outbox AFTER UPDATE OF state ON outbox WHEN OLD.state <> NEW.state
    BEGIN INSERT INTO seen_edges VALUES ('outbox ' || OLD.state || '>' || NEW.state); END;`;

const ROWS = `SELECT i.event_id AS id, i.state AS inbox, i.attempts AS claims, o.state AS part, o.attempts AS sends,
    o.next_at IS NULL AS rests
  FROM inbox i LEFT JOIN delivery_origins d ON d.inbox_id = i.id LEFT JOIN outbox o ON o.delivery_id = d.delivery_id
  ORDER BY i.id`;

const failure = (fate: Exclude<Fate, "sent">) => new SendError(fate, { fate, scope: "message" });

class Steered implements ModelHouse {
  readonly turns = new Map<string, (end: "ok" | "fails") => void>();
  readonly sends = new Map<string, (fate: Fate) => void>();
  readonly late = new Map<string, (fate: Fate) => void>();
  readonly faults: string[] = [];
  readonly #dir = makeTestDir();
  readonly #path = `${this.#dir.path}/host.db`;
  #process: ModelProcess | undefined;
  #reader: DatabaseSync | undefined;
  #detach: Undo | undefined;
  #now = 1_700_000_000_000;
  /** Events whose answer the platform has, or may have, since the owner last asked for it. */
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

  async receive(id: string, lane: number): Promise<readonly string[]> {
    const peer = { kind: "dm", id: String(lane) } as const;
    const from = { id: String(lane), name: "Ada" };
    return [
      await this.#live.receive({ eventId: id, at: 1, peer, from, type: "message", messageId: id, body: { text: id } }),
    ];
  }

  connect(): void {
    this.#detach = this.#live.outbox.attach(MODEL_ACCOUNT, this.#connection());
  }

  disconnect(): void {
    this.#detach?.();
    this.#detach = undefined;
  }

  async advance(ms: number): Promise<void> {
    await this.#live.clock.advance(ms);
    this.#now = this.#live.clock.now();
  }

  async decide(id: string, decision: "retry" | "drop"): Promise<void> {
    const found = this.#reader
      ?.prepare(
        "SELECT d.delivery_id AS id FROM delivery_origins d JOIN inbox i ON i.id = d.inbox_id WHERE i.event_id = ?",
      )
      .get(id);
    const arrived = this.#arrived.has(id);
    if (decision === "retry") this.#arrived.delete(id);
    const decided = await this.#live.outbox[decision](String(found?.["id"]));
    if (arrived && (decided?.parts ?? 0) === 0) this.#arrived.add(id);
  }

  async crash(): Promise<void> {
    this.#generation += 1;
    this.#detach = undefined;
    const { clock } = this.#live;
    // A send that was on its way may arrive: nobody will ever tell.
    for (const id of this.sends.keys()) this.#arrived.add(id);
    await this.#live.end();
    this.#process = undefined;
    this.#now = clock.now();
    for (const gates of [this.turns, this.sends, this.late]) gates.clear();
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
        const id = asked === undefined ? "" : textOf(asked);
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

  #connection(): ChannelConnection {
    const generation = this.#generation;
    return {
      closed: new Promise(() => undefined),
      drain: async () => undefined,
      send: (outbound, { key }, call) => {
        if (generation !== this.#generation) return new Promise(() => undefined);
        const id = this.#eventOf(key);
        this.#watchSend(id, outbound.to.id);
        call.signal.addEventListener("abort", () => this.#giveUp(id), { once: true });
        return new Promise((resolve, reject) => {
          const answer = (fate: Fate) => {
            for (const gates of [this.sends, this.late]) if (gates.get(id) === answer) gates.delete(id);
            if (fate === "sent" || fate === "unknown") this.#arrived.add(id);
            const receipt: Receipt = { ids: [`r-${id}`], at: 1, peer: outbound.to };
            if (fate === "sent") resolve(receipt);
            else reject(failure(fate));
          };
          this.sends.set(id, answer);
        });
      },
    };
  }

  #giveUp(id: string): void {
    const gate = this.sends.get(id);
    if (gate === undefined) return;
    this.#arrived.add(id);
    this.sends.delete(id);
    this.late.set(id, gate);
  }

  #watchSend(id: string, lane: string): void {
    const laneOf = (one: string) => one.split("-")[0];
    const beside = [...this.sends.keys()].filter((one) => laneOf(one) === laneOf(id));
    if (laneOf(id) !== lane) this.faults.push(`the answer to ${id} went to ${lane}`);
    if (beside.length > 0) this.faults.push(`${id} was sent beside ${beside.join()}`);
    if (this.#arrived.has(id)) this.faults.push(`${id} was sent again though it may have arrived`);
  }

  #eventOf(key: string): string {
    const found = this.#reader
      ?.prepare(
        "SELECT i.event_id AS id FROM inbox i JOIN delivery_origins d ON d.inbox_id = i.id WHERE d.delivery_id = ?",
      )
      .get(key.split("/")[0] ?? "");
    return String(found?.["id"]);
  }
}

export async function openModelHouse(): Promise<ModelHouse> {
  const house = new Steered();
  await house.open();
  return house;
}
