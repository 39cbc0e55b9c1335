import type { Static, TSchema } from "@sinclair/typebox";
import type { BaseCtx } from "./context.ts";
import type { AgentDef } from "./agent.ts";
import type { ChannelDef } from "./channel.ts";
import type { Actor, Call } from "./vocabulary.ts";

export interface NodeCommandDef<P extends TSchema = TSchema, R extends TSchema = TSchema> {
  readonly name: `${string}.${string}`;
  readonly params: P;
  readonly result: R;
  readonly risk: "read" | "write" | "dangerous";
  readonly platforms?: readonly NodeJS.Platform[];
  readonly timeoutMs?: number;
  available?(ctx: BaseCtx<unknown>, call: Call): Promise<boolean>;
  run(
    params: Static<P>,
    ctx: BaseCtx<unknown> & { call: Call; caller: Actor; progress(fraction: number, note?: string): void },
  ): Promise<Static<R>>;
}

/** The major version of this contract. The host supports N and N-1. */
export const CONTRACT_VERSION = 1;

const DEFINITION: unique symbol = Symbol.for("openclaw-host.extension") as never;

export interface ExtensionDef {
  readonly contract: number;
  readonly channels: readonly ChannelDef[];
  readonly nodeCommands: readonly NodeCommandDef[];
  readonly agents: readonly AgentDef[];
}

/** Declares an extension. The result is frozen data: importing it has no side effects. */
export function defineExtension(parts: Partial<Omit<ExtensionDef, "contract">>): ExtensionDef {
  const definition = { contract: CONTRACT_VERSION, channels: [], nodeCommands: [], agents: [], ...parts };
  Object.defineProperty(definition, DEFINITION, { value: true });
  return Object.freeze(definition);
}

/** True when the value came from any copy of `defineExtension`. */
export function isExtensionDef(value: unknown): value is ExtensionDef {
  return typeof value === "object" && value !== null && DEFINITION in value;
}

/** Types a channel from its two schemas. */
export function defineChannel<S extends TSchema, A extends TSchema>(definition: ChannelDef<S, A>): ChannelDef<S, A> {
  return Object.freeze(definition);
}

/** Types an agent runtime from its config schema. */
export function defineAgent<S extends TSchema>(definition: AgentDef<S>): AgentDef<S> {
  return Object.freeze(definition);
}

/** Types a device command from its two schemas. */
export function defineNodeCommand<P extends TSchema, R extends TSchema>(
  definition: NodeCommandDef<P, R>,
): NodeCommandDef<P, R> {
  return Object.freeze(definition);
}
