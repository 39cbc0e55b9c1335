import * as schemas from "../src/index.ts";
import { ERROR_CODES, EVENTS, METHODS, OPERATOR_SCOPES } from "../src/index.ts";

/** A JSON Schema as plain data. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Types that other types contain: wherever one occurs, the generated file refers to it. */
const SHARED: Readonly<Record<string, object>> = {
  ErrorShape: schemas.ErrorShape,
  StateVersion: schemas.StateVersion,
  DeviceProof: schemas.DeviceProof,
  Usage: schemas.Usage,
  ContentBlock: schemas.ContentBlock,
  TranscriptMessage: schemas.TranscriptMessage,
  PresenceEntry: schemas.PresenceEntry,
  ChannelHealth: schemas.ChannelHealth,
  AgentHeartbeat: schemas.AgentHeartbeat,
  SessionsSummary: schemas.SessionsSummary,
  AgentHealth: schemas.AgentHealth,
  HealthSnapshot: schemas.HealthSnapshot,
  SessionDefaults: schemas.SessionDefaults,
  Snapshot: schemas.Snapshot,
  Policy: schemas.Policy,
  SessionRecord: schemas.SessionRecord,
  SessionRow: schemas.SessionRow,
  AccountSnapshot: schemas.AccountSnapshot,
  Provides: schemas.Provides,
  Permissions: schemas.Permissions,
  ExtensionRow: schemas.ExtensionRow,
};

/** `chat.send` -> `ChatSend`, `system-presence` -> `SystemPresence`. */
export function typeName(name: string): string {
  return name
    .split(/[.-]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
}

function errorCodes(): JsonSchema {
  return {
    description: "Every error code that may cross the wire.",
    oneOf: Object.entries(ERROR_CODES).map(([code, { sentence, retryable }]) => ({
      const: code,
      description: `${sentence} (${retryable ? "may be repeated" : "not to be repeated unchanged"})`,
    })),
  };
}

function methodTypes(): [string, object][] {
  return Object.values(METHODS).flatMap((method) => {
    const name = typeName(method.name);
    const types: [string, object][] = [[`${name}Params`, method.params]];
    if (method.accepted !== undefined) types.push([`${name}Accepted`, method.accepted]);
    return [...types, [`${name}Result`, method.result]];
  });
}

/** Every type by name, as written in the source: nothing is referred to, all of it is inline. */
export function inlineTypes(): ReadonlyMap<string, object> {
  return new Map<string, object>([
    ["RequestFrame", schemas.RequestFrame],
    ["ResponseFrame", schemas.ResponseFrame],
    ["EventFrame", schemas.EventFrame],
    ["ErrorCode", errorCodes()],
    ["OperatorScope", { type: "string", enum: OPERATOR_SCOPES }],
    ["ConnectParamsV3", schemas.ConnectParamsV3],
    ["ConnectParamsV4", schemas.ConnectParamsV4],
    ["HelloOkV3", schemas.HelloOkV3],
    ["HelloOkV4", schemas.HelloOkV4],
    ...Object.entries(SHARED),
    ...methodTypes(),
    ...Object.values(EVENTS).map((event): [string, object] => [`${typeName(event.name)}Event`, event.payload]),
    ["Manifest", schemas.Manifest],
    ["Config", schemas.Config],
  ]);
}

/** The same types as JSON Schema definitions that refer to each other. */
export function definitions(): Record<string, JsonSchema> {
  const names = new Map(Object.entries(SHARED).map(([name, schema]) => [JSON.stringify(schema), name]));
  const link = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(link);
    if (typeof value !== "object" || value === null) return value;
    const name = names.get(JSON.stringify(value));
    return name === undefined ? linkInside(value) : { $ref: `#/$defs/${name}` };
  };
  const linkInside = (value: object): JsonSchema =>
    Object.fromEntries(Object.entries(value).map(([key, part]) => [key, link(part)]));
  const isShared = new Set(Object.keys(SHARED));
  return Object.fromEntries(
    [...inlineTypes()].map(([name, schema]) => {
      // A shared type keeps its own body; any other type that equals one becomes a reference to it.
      const linked = isShared.has(name) ? linkInside(schema) : link(schema);
      return [name, linked as JsonSchema];
    }),
  );
}
