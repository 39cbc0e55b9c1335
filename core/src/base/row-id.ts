import type { Clock } from "./clock.ts";
import type { Ids } from "./ids.ts";

const TIME_DIGITS = 12;

/**
 * Id of a new row: a UUID that begins with the time (version 7, https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7), so
 * that rows made one after the other lie side by side in their indexes. A commit then writes a few pages, not one for each row.
 * Not for secrets: the time can be guessed, and the rest is 74 random bits.
 */
export function newRowId({
  clock,
  ids,
}: {
  readonly clock: Pick<Clock, "now">;
  readonly ids: Pick<Ids, "uuid">;
}): string {
  const random = ids.uuid();
  const time = Math.max(0, Math.floor(clock.now())).toString(16).padStart(TIME_DIGITS, "0");
  return `${time.slice(0, 8)}-${time.slice(8, 12)}-7${random.slice(15)}`;
}
