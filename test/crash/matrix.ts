import type { Stage } from "./early-death.ts";
import { createRandom } from "./random.ts";
import { type Round, runRound } from "./round.ts";

export interface MatrixOptions {
  readonly kills: number;
  readonly seed: number;
  /** Called after every kill with the number of all so far, whatever their round. */
  readonly progress?: (kills: number) => void;
}

export interface Figures extends Round {
  readonly seed: number;
  readonly kills: number;
  /** Kills by how far the gateway had come. */
  readonly stages: ReadonlyMap<Stage, number>;
  /** State directories. */
  readonly rounds: number;
  readonly ms: number;
}

/** Kills of one state directory: enough for its wrecks to pile up, few enough for reading it to stay quick. */
const ROUND_KILLS = 100;
/** Rounds side by side. A gateway waits for its platforms most of the time. */
const PARALLEL = 2;

/** Kills gateways in rounds, each with a state directory and platforms of its own, and adds up what is found. */
export async function runMatrix({ kills, seed, progress }: MatrixOptions): Promise<Figures> {
  const startedAt = performance.now();
  const seeds = createRandom(seed);
  const sizes = Array.from({ length: Math.ceil(kills / ROUND_KILLS) }, (_, index) => ({
    index,
    kills: Math.min(ROUND_KILLS, kills - index * ROUND_KILLS),
    seed: seeds.between(0, 2 ** 31),
  }));
  const stages = new Map<Stage, number>();
  let done = 0;
  const onKill = (stage: Stage) => {
    stages.set(stage, (stages.get(stage) ?? 0) + 1);
    done += 1;
    progress?.(done);
  };
  const rounds: Round[] = [];
  const waiting = sizes.values();
  const worker = async () => {
    for (const size of waiting) rounds.push(named(await runRound({ ...size, onKill }), size.index + 1, sizes.length));
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  const ms = Math.round(performance.now() - startedAt);
  return { ...sum(rounds), seed, kills: done, stages, rounds: rounds.length, ms };
}

/** Where there are several rounds, each sentence says of which it is. */
function named(round: Round, number: number, of: number): Round {
  if (of === 1) return round;
  const mark = (sentences: readonly string[]) => sentences.map((sentence) => `round ${number}: ${sentence}`);
  return {
    ...round,
    lost: mark(round.lost),
    doubled: mark(round.doubled),
    faults: mark(round.faults),
    unknown: mark(round.unknown),
    parked: mark(round.parked),
  };
}

function sum(rounds: readonly Round[]): Round {
  const all = (of: (round: Round) => readonly string[]) => rounds.flatMap(of);
  const total = (of: (round: Round) => number) => rounds.reduce((before, round) => before + of(round), 0);
  return {
    lost: all(({ lost }) => lost),
    doubled: all(({ doubled }) => doubled),
    faults: all(({ faults }) => faults),
    unknown: all(({ unknown }) => unknown),
    parked: all(({ parked }) => parked),
    messages: total(({ messages }) => messages),
    chats: total(({ chats }) => chats),
    parts: total(({ parts }) => parts),
    inTheAir: total(({ inTheAir }) => inTheAir),
    cutShort: total(({ cutShort }) => cutShort),
    drafts: total(({ drafts }) => drafts),
    edits: total(({ edits }) => edits),
  };
}
