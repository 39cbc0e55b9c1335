import type { Capabilities } from "openclaw-host-sdk";
import type { Undo } from "../../base/clock.ts";
import type { ChannelConnection } from "../../host/channel-port.ts";
import type { AccountName } from "../../store/tables/inbox.ts";
import type { ConfiguredAccount } from "../accounts/account-config.ts";
import { type Draft, type DraftLink, type DraftRun, RunDraft } from "./draft.ts";
import type { DraftStreams } from "./draft-calls.ts";
import type { OpeningParts } from "./draft-opening.ts";
import type { Pace } from "./pace.ts";

/** Answers that are shown while they are written: at most one draft a run. */
export interface Drafts {
  /** For a run that begins, or begins again. Whether there is a draft is found out when there is something to show. */
  begin(run: DraftRun): Draft;
  /** True while a run has a draft on the platform, which its closing turns into the answer or deletes. */
  standing(runId: string): boolean;
  /** The run's closing is committed. */
  closed(runId: string): void;
}

export interface DraftsParts extends OpeningParts {
  readonly streams: DraftStreams;
  readonly rules: (name: AccountName) => Pick<ConfiguredAccount, "streaming"> | undefined;
}

/** One connection of an account, as drafts need it. */
export interface AttachedLink {
  readonly connection: ChannelConnection;
  readonly capabilities: Pick<Capabilities, "stream" | "text">;
  readonly pace: Pace;
}

const keyOf = ({ channel, account }: AccountName): string => JSON.stringify([channel, account]);

/** Knows the live connections and which runs have a draft. */
export class DraftSet implements Drafts {
  readonly #parts: DraftsParts;
  readonly #links = new Map<string, AttachedLink>();
  readonly #standing: Set<string>;

  constructor(parts: DraftsParts, standing: readonly string[]) {
    this.#parts = parts;
    this.#standing = new Set(standing);
  }

  attach(name: AccountName, link: AttachedLink): Undo {
    const key = keyOf(name);
    this.#links.set(key, link);
    return () => {
      if (this.#links.get(key) === link) this.#links.delete(key);
    };
  }

  /** A draft turned out to be there. */
  found(runId: string): void {
    this.#standing.add(runId);
  }

  begin(run: DraftRun): Draft {
    const onOpen = () => this.found(run.runId);
    return new RunDraft({ ...this.#parts, link: () => this.#linkOf(run.target), onOpen }, run);
  }

  standing(runId: string): boolean {
    return this.#standing.has(runId);
  }

  closed(runId: string): void {
    this.#standing.delete(runId);
  }

  #linkOf({ channel, account }: AccountName): DraftLink | undefined {
    const name = { channel, account };
    const link = this.#links.get(keyOf(name));
    const stream = link?.capabilities.stream;
    if (link === undefined || stream === undefined || link.connection.openStream === undefined) return undefined;
    if (this.#parts.rules(name)?.streaming !== true) return undefined;
    const { connection, capabilities, pace } = link;
    return { connection, stream, text: capabilities.text, pace };
  }
}
