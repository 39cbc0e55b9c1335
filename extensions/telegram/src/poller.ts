import type { AccountCtx } from "openclaw-host-sdk";
import type { BotApi } from "./api.ts";

/** What polling needs of its surroundings. */
export interface Poller {
  readonly api: Pick<BotApi, "getUpdates" | "deleteWebhook">;
  readonly ctx: Pick<AccountCtx<unknown>, "receive" | "cursor" | "health" | "clock" | "log" | "self">;
  /** Seconds. */
  readonly timeoutSeconds: number;
  /** Stops the intake; a `receive` in flight is finished first. */
  readonly signal: AbortSignal;
}
