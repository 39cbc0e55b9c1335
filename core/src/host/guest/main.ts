import type { MessageLine } from "../line/line.ts";
import { serveGuest } from "./serve.ts";

/** How long the last words may take to leave a dying guest, ms. */
const LAST_WORDS_MS = 200;

const line: MessageLine = {
  post(message) {
    // The callback takes the error of a host that is gone; `disconnect` ends this process then.
    process.send?.(message, undefined, undefined, () => {});
  },
  onMessage(listener) {
    process.on("message", listener);
    return () => void process.off("message", listener);
  },
};

/** A bug in the extension ends its guest, never silently: the host learns of it from the last words and the exit. */
function die(error: unknown): void {
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const leave = () => process.exit(1);
  setTimeout(leave, LAST_WORDS_MS);
  process.send?.({ t: "note", method: "fault", params: { message } }, undefined, undefined, leave);
}

process.on("uncaughtException", die);
process.on("unhandledRejection", die);
// Without its host a guest has no purpose and nobody who could stop it.
process.on("disconnect", () => process.exit(0));
serveGuest(line);
