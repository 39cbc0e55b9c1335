import type { Crowd, Saying } from "./crowd.ts";
import type { Ledger, Part, Wreck } from "./database.ts";
import type { Posted } from "./transcript.ts";

/** Everything that is known at the end of a matrix. */
export interface Evidence {
  readonly said: Crowd["said"];
  readonly posted: readonly Posted[];
  readonly ledger: Ledger;
  /** What each kill left in the air. */
  readonly wrecks: readonly Wreck[];
  /** Deliveries that `delivery.list` names as unknown. */
  readonly listed: readonly string[];
  /** What the WebSocket clients were told about their keys. */
  readonly talked: ReadonlyMap<string, "ok" | "error">;
}

export interface Verdict {
  /** Each a sentence; empty when all is well. */
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  /** Everything else that differs. */
  readonly faults: readonly string[];
  /** The parts of unknown fate, each as it is listed, and whether the platform has it. */
  readonly unknown: readonly string[];
  /** Events that are parked by the rule that finds messages which kill the gateway: they were in hand at `SUSPICIOUS` kills. */
  readonly parked: readonly string[];
}

/** Deaths of the process with a message in hand, after which that is parked (ARCHITECTURE, The life of a message). */
const SUSPICIOUS = 5;

const countOf = (values: readonly string[]): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
};

const idOf = (account: string, id: string): string => `${account} ${id}`;

/** Compares the platforms' own record with what the gateway stored. */
export function judge(known: Evidence): Verdict {
  const evidence = { ...known, posted: withoutLostDrafts(known) };
  const { said, posted, ledger } = evidence;
  const seen = countOf(posted.flatMap(({ marks }) => marks));
  const unknown = ledger.parts.filter(({ state }) => state === "unknown");
  const excused = excuses(
    said,
    unknown.filter(({ lostDraft }) => lostDraft === undefined),
  );
  const lost: string[] = [];
  const doubled: string[] = [];
  const parked = parkedByRule(evidence);
  const goesOn = said.filter(({ account, eventIds }) => !eventIds.some((id) => parked.has(idOf(account, id))));
  for (const saying of goesOn) {
    for (const mark of [...saying.words, ...saying.files]) {
      const times = seen.get(mark) ?? 0;
      const sentence = `${mark} of ${saying.person} at ${saying.account} (event ${saying.eventIds.join(", ")})`;
      if (times === 0 && !excused.has(mark)) lost.push(sentence);
      if (times > 1) doubled.push(`${sentence} was posted ${times} times`);
    }
  }
  return {
    lost,
    doubled,
    faults: [
      ...ledger.undone
        .filter(({ event }) => !parked.has(event))
        .map(({ event, state, reason }) => `event ${event} is ${state}: ${reason}`),
      ...receiptFaults(posted, ledger, new Set(excused)),
      ...unknownFaults(evidence, unknown),
      ...orderFaults(posted),
      ...storeFaults(evidence),
      ...turnFaults({ ...evidence, said: goesOn }),
      ...talkFaults(evidence),
    ],
    unknown: unknown.map(({ id, account, deliveryId, marks }) => {
      const known = marks.length === 0 || seen.has(marks[0] ?? "");
      return `part ${id} of ${deliveryId} at ${account} (${marks[0] ?? "files"}): ${known ? "has arrived" : "has not arrived"}`;
    }),
    parked: [...parked],
  };
}

/**
 * A draft that was being posted at a kill may be there, with no receipt and in the words that were stored before; its answer is a
 * message of its own. For each such draft one message is taken out, and nothing else is forgiven.
 */
function withoutLostDrafts({ posted, ledger }: Evidence): readonly Posted[] {
  const receipts = new Set(
    ledger.parts.flatMap(({ account, receiptIds }) => receiptIds.map((id) => idOf(account, id))),
  );
  const lost = ledger.parts.flatMap(({ account, lostDraft }) =>
    lostDraft === undefined ? [] : [idOf(account, lostDraft)],
  );
  return posted.filter(({ account, ids, text }) => {
    if (ids.some((id) => receipts.has(idOf(account, id)))) return true;
    const index = lost.indexOf(idOf(account, text));
    if (index >= 0) lost.splice(index, 1);
    return index < 0;
  });
}

function parkedByRule({ ledger, wrecks }: Evidence): ReadonlySet<string> {
  const attempts = new Set(wrecks.flatMap(({ inHand }) => inHand));
  const deaths = countOf([...attempts].map((attempt) => attempt.slice(0, attempt.lastIndexOf(" #"))));
  const parked = ledger.undone.filter(
    ({ event, state }) => state === "parked" && (deaths.get(event) ?? 0) >= SUSPICIOUS,
  );
  return new Set(parked.map(({ event }) => event));
}

/** Every event is stored, and once. */
function storeFaults({ said, ledger }: Evidence): string[] {
  const events = said.reduce((sum, { eventIds }) => sum + eventIds.length, 0);
  return ledger.events === events ? [] : [`${events} events were told and ${ledger.events} are stored`];
}

/** What may be missing, because its part is of unknown fate. */
function excuses(said: readonly Saying[], unknown: readonly Part[]): ReadonlySet<string> {
  const excused = new Set(unknown.flatMap(({ marks }) => marks));
  const withFiles = unknown.filter(({ hasMedia }) => hasMedia);
  const answered = new Set(withFiles.flatMap(({ account, eventIds }) => eventIds.map((id) => idOf(account, id))));
  for (const { account, eventIds, files } of said) {
    if (eventIds.some((id) => answered.has(idOf(account, id)))) for (const file of files) excused.add(file);
  }
  return excused;
}

/** Every receipt names a message of the platform, once; a message without a receipt belongs to a part of unknown fate. */
function receiptFaults(posted: readonly Posted[], ledger: Ledger, excused: ReadonlySet<string>): string[] {
  const receipts = countOf(
    ledger.parts.flatMap(({ account, receiptIds }) => receiptIds.map((id) => idOf(account, id))),
  );
  const onPlatform = new Map(posted.flatMap((post) => post.ids.map((id) => [idOf(post.account, id), post] as const)));
  return [
    ...[...receipts].filter(([, times]) => times > 1).map(([id]) => `${id} is the receipt of several parts`),
    ...[...receipts.keys()].filter((id) => !onPlatform.has(id)).map((id) => `${id} is a receipt of nothing`),
    ...[...onPlatform]
      .filter(([id, { marks }]) => !receipts.has(id) && !marks.every((mark) => excused.has(mark)))
      .map(([id]) => `${id} is on the platform and nowhere in the ledger`),
  ];
}

/** Unknown are exactly the parts that were being sent when the gateway was killed, where the platform cannot be asked. */
function unknownFaults({ ledger, wrecks, listed }: Evidence, unknown: readonly Part[]): string[] {
  const inTheAir = new Set(wrecks.flatMap(({ sending }) => sending));
  const expected = ledger.parts.filter(({ id, account }) => inTheAir.has(id) && account.startsWith("telegram/"));
  const deliveries = new Set(unknown.map(({ deliveryId }) => deliveryId));
  return [
    ...difference(unknown, expected).map(
      ({ id, reason }) => `part ${id} is unknown and no kill explains it: ${reason}`,
    ),
    ...difference(expected, unknown).map(({ id, state }) => `part ${id} was in the air at a kill and is ${state}`),
    ...ledger.parts
      .filter(({ state }) => state !== "sent" && state !== "unknown")
      .map(({ id, state, reason }) => `part ${id} ended as ${state}: ${reason}`),
    ...[...deliveries].filter((id) => !listed.includes(id)).map((id) => `delivery ${id} is unknown and not listed`),
    ...listed.filter((id) => !deliveries.has(id)).map((id) => `delivery ${id} is listed as unknown and is not`),
  ];
}

function difference(parts: readonly Part[], without: readonly Part[]): Part[] {
  const ids = new Set(without.map(({ id }) => id));
  return parts.filter(({ id }) => !ids.has(id));
}

/** One person's answers come in the order of the questions. */
function orderFaults(posted: readonly Posted[]): string[] {
  const last = new Map<string, number>();
  return posted.flatMap(({ account, peer, marks }) => {
    const [mark] = marks;
    if (mark === undefined) return [];
    const number = Number.parseInt(mark.slice(1), 10);
    const lane = idOf(account, peer);
    const before = last.get(lane) ?? -1;
    last.set(lane, number);
    return number < before ? [`${mark} came after an answer to m${before} at ${lane}`] : [];
  });
}

/** Every message is one turn: asked once, answered once, whatever was killed. */
function turnFaults({ said, ledger }: Evidence): string[] {
  const [asked, answered] = [countOf(ledger.asked), countOf(ledger.answered)];
  return said.flatMap(({ words: [mark = ""] }) => {
    const [questions, answers] = [asked.get(mark) ?? 0, answered.get(mark) ?? 0];
    return questions === 1 && answers === 1 ? [] : [`${mark} was asked ${questions} and answered ${answers} times`];
  });
}

/** Every key is one run, and failed exactly where a kill cut it short. */
function talkFaults({ talked, ledger, wrecks }: Evidence): string[] {
  const cut = new Set(wrecks.flatMap(({ running }) => running));
  const runs = new Map(ledger.runs.map(({ key, state }) => [key, state]));
  const asked = countOf(ledger.asked);
  return [
    ...[...talked].flatMap(([key, status]) => {
      const state = runs.get(key);
      const wanted = cut.has(key) ? "failed" : "done";
      const told = state === "done" ? "ok" : "error";
      return state === wanted && status === told ? [] : [`run ${key} is ${state}, should be ${wanted}, told ${status}`];
    }),
    ...[...runs.keys()].flatMap((key) => {
      const [talker = 0, number = 0] = key.slice(1).split("-").map(Number);
      const times = asked.get(`m${talker * 1_000_000 + number}.0;`) ?? 0;
      return times === 1 ? [] : [`the question of ${key} is ${times} times in the transcript`];
    }),
  ];
}
