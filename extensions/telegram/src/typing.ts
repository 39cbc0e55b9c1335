import type { AccountCtx, Peer } from "openclaw-host-sdk";
import { type BotApi, signalOf } from "./api.ts";
import { pause } from "./deadline.ts";
import { addressOf } from "./peer.ts";

/** Telegram shows "typing" for 5 s: https://core.telegram.org/bots/api#sendchataction */
const REPEAT_MS = 4_500;
/** Nobody types longer: a forgotten "off" ends by itself. */
const LONGEST_MS = 120_000;

export interface Typing {
  /** Shows "typing" until `off`, `LONGEST_MS` after the last `on`, or `stop`. */
  set(to: Peer, on: boolean): void;
  /** Ends all indicators and resolves when none is being sent any more. */
  stop(): Promise<void>;
}

interface Running {
  readonly stop: AbortController;
  readonly ended: Promise<void>;
  until: number;
}

/** Typing is a courtesy: its failures are logged and never delay or fail anything else. */
export function createTyping(
  api: Pick<BotApi, "sendChatAction">,
  ctx: Pick<AccountCtx<unknown>, "clock" | "log">,
): Typing {
  const running = new Map<string, Running>();
  const show = async (to: Peer, key: string, stop: AbortController) => {
    while (!stop.signal.aborted && ctx.clock.now() < (running.get(key)?.until ?? 0)) {
      await api
        .sendChatAction({ ...addressOf(to), action: "typing" }, signalOf(stop.signal))
        .catch((error: unknown) => {
          ctx.log.debug("the typing indicator was not shown", { error: String(error) });
        });
      await pause(ctx.clock, REPEAT_MS, stop.signal);
    }
    if (running.get(key)?.stop === stop) running.delete(key);
  };
  const start = (to: Peer, key: string, until: number) => {
    const stop = new AbortController();
    const entry = { stop, until, ended: Promise.resolve() };
    running.set(key, entry);
    running.set(key, { ...entry, ended: show(to, key, stop) });
  };
  return {
    set(to, on) {
      const key = `${to.id}/${to.threadId ?? ""}`;
      const current = running.get(key);
      if (!on) {
        current?.stop.abort();
        running.delete(key);
        return;
      }
      const until = ctx.clock.now() + LONGEST_MS;
      if (current === undefined) start(to, key, until);
      else current.until = until;
    },
    async stop() {
      const all = [...running.values()];
      running.clear();
      for (const { stop } of all) stop.abort();
      await Promise.all(all.map(({ ended }) => ended));
    },
  };
}
