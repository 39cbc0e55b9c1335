import type { Actor, Call, ProbeResult } from "openclaw-host-sdk";
import { type BotApi, signalOf } from "./api.ts";
import { classify } from "./failure.ts";
import { actorOfUser } from "./peer.ts";
import { unauthorized } from "./trouble.ts";

/**
 * Asks Telegram who the token belongs to. The bot id outlives changes of the token, so it is the identity; and since only one
 * poller per bot is allowed, it is the lease as well.
 */
export async function probe(api: Pick<BotApi, "getMe">, call: Call): Promise<ProbeResult> {
  try {
    const me = await api.getMe(signalOf(call.signal));
    const self: Actor = actorOfUser(me);
    return {
      ok: true,
      self,
      lease: self.id,
      ...(me.can_read_all_group_messages
        ? {}
        : {
            detail:
              "privacy mode is on: in groups Telegram passes on only commands, mentions and replies (@BotFather /setprivacy)",
          }),
    };
  } catch (error) {
    return explain(error);
  }
}

/** A refused token needs a new one; anything else may pass. */
function explain(error: unknown): ProbeResult {
  const failure = classify(error);
  if (failure.kind === "answer" && (failure.status === 401 || failure.status === 404)) {
    const { detail, fix } = unauthorized(failure.status);
    return { ok: false, detail, ...(fix === undefined ? {} : { fix }) };
  }
  const detail =
    failure.kind === "answer"
      ? `the Bot API server answered ${failure.status}: ${failure.description}`
      : failure.description;
  return { ok: false, detail, fix: "Check channels.telegram.apiRoot and this machine's network, then try again" };
}
