import { ALBUM_MS, BURST_MS, type ModelEvent } from "./model-part.ts";
import type { ModelPipeline } from "./model-pipeline.ts";

const openBurst = ({ events }: ModelPipeline, lane: number): ModelEvent | undefined =>
  events.find((event) => event.lane === lane && event.burstAt !== undefined && event.state !== "done");

/** What one sender says in one breath: a piece of the burst that still waits for one, or a new burst. Returns the piece. */
export function say(model: ModelPipeline, lane: number): string {
  const open = openBurst(model, lane);
  if (open?.burstAt === undefined) {
    const event = model.receive(lane, 2);
    event.pieces.pop();
    Object.assign(event, { burstAt: model.now });
    return event.id;
  }
  const piece = `${open.id}-${open.pieces.length}`;
  open.pieces.push(piece);
  Object.assign(open, { dueAt: Math.min(model.now + ALBUM_MS, open.burstAt + BURST_MS), setAt: model.now });
  model.settle();
  return piece;
}

/** One burst at a time in a lane, and nothing behind it, so that it is plain which one a piece belongs to. */
export function maySay(model: ModelPipeline, lane: number): boolean {
  const open = openBurst(model, lane);
  const last = model.events.findLast((event) => event.lane === lane);
  return open === undefined || (open === last && open.state === "recorded" && open.claims === 0);
}
