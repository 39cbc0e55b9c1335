import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { DeliveryTarget } from "../policy/route.ts";

/**
 * Platforms forget a typing state after about five seconds, ms. Source: https://core.telegram.org/bots/api#sendchataction
 * ("for 5 seconds or less").
 */
const TYPING_EVERY_MS = 4_000;

export interface TypingParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly typing: (target: DeliveryTarget, on: boolean) => Promise<void>;
}

/** Shows that an answer is being written until the returned function is called. Failures are only noted. */
export function showTyping(parts: TypingParts, target: DeliveryTarget): () => void {
  const tell = (on: boolean): void => {
    void Promise.resolve()
      .then(() => parts.typing(target, on))
      .catch((error: unknown) =>
        parts.log.debug("typing could not be shown", { channel: target.channel, error: String(error) }),
      );
  };
  tell(true);
  const stop = parts.clock.every(TYPING_EVERY_MS, () => tell(true));
  return () => {
    stop();
    tell(false);
  };
}
