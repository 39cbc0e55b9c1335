import { type Capabilities, type Outbound, isSendError } from "openclaw-host-sdk";
import { deliveryId } from "../../base/brand.ts";
import type { ChannelConnection } from "../../host/channel-port.ts";
import type { OutboxIntent } from "../../store/tables/outbox.ts";
import { type DeliveryTarget, laneKey } from "../policy/route.ts";
import { type DraftStreams, STREAM_CALL_MS, resumeStream } from "./draft-calls.ts";
import { type Opened, type OpeningParts, type StandingDraft, openDraft } from "./draft-opening.ts";
import { type Shown, isWorthShowing, shownOf } from "./draft-text.ts";
import { MAX_RETRY_AFTER_MS, messageOf } from "./fate.ts";
import type { Pace } from "./pace.ts";

/** An answer as it is shown while it is being written. */
export interface Draft {
  /** `text` is everything so far. Never waits, never throws. */
  show(text: string): void;
  /** Shows nothing more. Resolves when it is known whether there is a draft; the run may then be closed. */
  end(): Promise<void>;
}

/** What the account of a draft can do at this moment. */
export interface DraftLink {
  readonly connection: ChannelConnection;
  readonly stream: NonNullable<Capabilities["stream"]>;
  readonly text: Capabilities["text"];
  readonly pace: Pace;
}

export interface DraftParts extends OpeningParts {
  readonly streams: DraftStreams;
  /** Undefined while the account is not connected, cannot stream, or should not. */
  readonly link: () => DraftLink | undefined;
  /** The run has a draft on the platform. */
  readonly onOpen: () => void;
}

/** The run whose answer it is. */
export interface DraftRun {
  readonly runId: string;
  readonly target: DeliveryTarget;
}

/**
 * An answer that is complete within a second of its first words needs no draft: nobody feels that as waiting, and it costs one
 * call instead of two. Source: https://www.nngroup.com/articles/response-times-3-important-limits/
 */
const FIRST_MS = 1_000;
/**
 * Between two pushes, ms: Telegram, the tightest of the platforms that edit, wants one message a second in a private chat and 20 a
 * minute in a group. Source: https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
 */
const PUSH_EVERY_MS = { dm: 1_000, group: 3_000, channel: 3_000 } as const;
/** After a step that failed without a time from the platform, or could not be made, ms. */
const RETRY_MS = 5_000;
/** The longest look-out for room in the account's pace, ms: a clock may be set back meanwhile. */
const PACE_LOOK_MS = 1_000;

/** One run's draft: opened once, then edited with the latest text, one call at a time. */
export class RunDraft implements Draft {
  readonly #parts: DraftParts;
  readonly #run: DraftRun;
  readonly #ended = new AbortController();
  #latest = "";
  /** What the platform shows; undefined when an earlier process has shown it. */
  #shown: string | undefined;
  #standing: StandingDraft | undefined;
  /** When the next step may be made; begins with the first text. */
  #rest: Promise<void> | undefined;
  #writing: Promise<void> | undefined;
  #opening: Promise<void> | undefined;
  /** Nothing more will be shown: the text is too long for one message, or the platform does not let us. */
  #over = false;

  constructor(parts: DraftParts, run: DraftRun) {
    this.#parts = parts;
    this.#run = run;
  }

  show(text: string): void {
    if (this.#over || this.#ended.signal.aborted || text.trim() === "") return;
    this.#latest = text;
    if (this.#rest === undefined) this.#wait(FIRST_MS);
    if (this.#writing !== undefined || !isWorthShowing(text)) return;
    this.#writing = this.#write()
      .catch((error: unknown) => {
        // What is shown meanwhile is a courtesy: the answer itself goes its own way.
        this.#over = true;
        this.#parts.log.warn("an answer is not shown while it is written", { ...this.#facts(), error: String(error) });
      })
      .finally(() => {
        this.#writing = undefined;
      });
  }

  async end(): Promise<void> {
    // With a reason of its own: the default one is an exception with a stack, for every run that ends.
    this.#ended.abort("ended");
    await this.#opening;
  }

  #facts(): object {
    const { runId, target } = this.#run;
    return { runId, channel: target.channel, account: target.account };
  }

  #wait(ms: number): void {
    this.#rest = this.#parts.clock.sleep(ms, this.#ended.signal);
  }

  async #write(): Promise<void> {
    const { clock, link: find } = this.#parts;
    const { signal } = this.#ended;
    for (;;) {
      await this.#rest;
      if (signal.aborted || this.#over) return;
      const link = find();
      if (link === undefined) {
        this.#wait(RETRY_MS);
        continue;
      }
      const shown = shownOf(this.#latest, link.text);
      if (shown.text === this.#shown) return;
      const waitMs = link.pace.spareAt() - clock.now();
      if (waitMs > 0) {
        await clock.sleep(Math.min(waitMs, PACE_LOOK_MS), signal);
        continue;
      }
      link.pace.take(1);
      await this.#step(link, shown);
    }
  }

  async #step(link: DraftLink, shown: Shown): Promise<void> {
    if (this.#standing !== undefined) return this.#push(link, { draft: this.#standing, shown });
    const opening = this.#open(link, shown);
    // Who ends the run waits for it, but does not hear of a failure here.
    this.#opening = opening.catch(() => {});
    await opening;
  }

  async #open(link: DraftLink, shown: Shown): Promise<void> {
    const { runId, target } = this.#run;
    const { channel, account } = target;
    const opened = await openDraft(this.#parts, {
      runId,
      name: { channel, account },
      connection: link.connection,
      intent: this.#intent(shown.text),
      repeatable: link.stream === "edit",
    });
    this.#note(opened, shown);
  }

  #note(opened: Opened, shown: Shown): void {
    switch (opened.state) {
      case "opened":
        this.#shown = shown.text;
        this.#over = shown.full;
        this.#wait(PUSH_EVERY_MS[this.#run.target.peer.kind]);
        break;
      case "known":
        break;
      case "later":
        return this.#wait(pauseMs(opened.retryAfterMs));
      case "never":
        this.#over = true;
        return;
    }
    this.#standing = opened.draft;
    this.#parts.onOpen();
  }

  /** The text so far as a delivery of one part. */
  #intent(text: string): OutboxIntent {
    const { runId, target } = this.#run;
    const { channel, account, peer, replyTo } = target;
    const replies = replyTo === undefined ? {} : { replyTo };
    const outbound: Outbound = { type: "message", to: peer, body: { text, format: "markdown" }, ...replies };
    const lane = laneKey(channel, account, peer);
    const part = { index: 0, of: 1, text };
    const id = deliveryId(this.#parts.ids.uuid());
    return { deliveryId: id, channel, account, lane, outbound, part, runId, at: this.#parts.clock.now() };
  }

  async #push(link: DraftLink, { draft, shown }: { draft: StandingDraft; shown: Shown }): Promise<void> {
    const { calls, streams } = this.#parts;
    this.#wait(PUSH_EVERY_MS[this.#run.target.peer.kind]);
    try {
      const stream = await resumeStream(this.#parts, link.connection, draft);
      if (this.#ended.signal.aborted) return;
      const push = calls.run({ what: "push of a draft", ms: STREAM_CALL_MS }, (call) => stream.push(shown.text, call));
      streams.pushing(draft.deliveryId, push);
      await push;
      this.#shown = shown.text;
      this.#over = shown.full;
    } catch (error) {
      this.#failed(link, error);
    }
  }

  /** A push is not repeated: the next one shows more. What the platform refuses for good is decided with the last edit. */
  #failed(link: DraftLink, error: unknown): void {
    this.#parts.log.debug("a draft could not be edited", { ...this.#facts(), error: messageOf(error) });
    const { fate, scope, retryAfterMs } = isSendError(error) ? error.data : { fate: "unknown", scope: "message" };
    if (fate === "rejected") this.#over = true;
    if (scope === "account" && retryAfterMs !== undefined) link.pace.rest(retryAfterMs);
    this.#wait(pauseMs(retryAfterMs));
  }
}

const pauseMs = (retryAfterMs: number | undefined): number =>
  retryAfterMs === undefined || !(retryAfterMs > 0) ? RETRY_MS : Math.min(retryAfterMs, MAX_RETRY_AFTER_MS);
