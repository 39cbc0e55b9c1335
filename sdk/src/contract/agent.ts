import type { Static, TSchema } from "@sinclair/typebox";
import type { TranscriptMessage } from "openclaw-host-schemas";
import type { BaseCtx } from "./context.ts";
import type { Call, MediaRef } from "./vocabulary.ts";

/** What a turn yields, in order; the last event is always `done`. */
export type AgentEvent =
  | { readonly t: "text"; readonly delta: string }
  | { readonly t: "thinking"; readonly delta: string }
  | {
      readonly t: "tool";
      readonly id: string;
      readonly name: string;
      readonly phase: "start" | "update" | "end";
      readonly args?: unknown;
      readonly result?: unknown;
      readonly isError?: boolean;
    }
  | { readonly t: "media"; readonly m: MediaRef }
  | { readonly t: "usage"; readonly in: number; readonly out: number }
  | { readonly t: "done"; readonly reason: "end" | "abort" | "error"; readonly error?: string };

/** One turn: the whole transcript, newest message last. */
export interface AgentTurn {
  readonly session: string;
  readonly turnId: string;
  readonly model?: string;
  readonly messages: readonly TranscriptMessage[];
  readonly tools: readonly { readonly name: string; readonly description: string; readonly schema: object }[];
}

export type AgentCtx<C> = BaseCtx<C> & { readonly call: Call; callTool(name: string, args: unknown): Promise<unknown> };

/** An agent runtime. An aborted turn yields `done` within 5 s or its guest is recycled. */
export interface AgentDef<S extends TSchema = TSchema> {
  readonly id: string;
  readonly config: S;
  readonly resumable: boolean;
  turn(turn: AgentTurn, ctx: AgentCtx<Static<S>>): AsyncIterable<AgentEvent>;
}
