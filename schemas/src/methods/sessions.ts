import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { defineMethod } from "../descriptor.ts";
import {
  Count,
  Done,
  EpochMs,
  Label,
  NoParams,
  Positive,
  SessionKeyText,
  Text,
  closed,
  oneOf,
  open,
} from "../shapes.ts";

const TextOrNull = Type.Union([Text, Type.Null()]);
const NumberOrNull = Type.Union([Type.Number(), Type.Null()]);

/** What a patch may set; `null` clears. */
function settable<T extends TSchema>(value: T) {
  return Type.Optional(Type.Union([value, Type.Null()]));
}

/** A session's stored record. Later settings are kept as further keys. */
export const SessionRecord = open({
  sessionId: Text,
  updatedAt: EpochMs,
  label: Type.Optional(Text),
  thinkingLevel: Type.Optional(Text),
  verboseLevel: Type.Optional(Text),
  reasoningLevel: Type.Optional(Text),
  responseUsage: Type.Optional(Text),
  elevatedLevel: Type.Optional(Text),
  sendPolicy: Type.Optional(Text),
  groupActivation: Type.Optional(Text),
  model: Type.Optional(Text),
  spawnedBy: Type.Optional(Text),
});
export type SessionRecord = Static<typeof SessionRecord>;

/** One row of `sessions.list`. */
export const SessionRow = open({
  key: Text,
  kind: oneOf(["direct", "group", "global", "unknown"]),
  label: Type.Optional(Text),
  displayName: Type.Optional(Text),
  channel: Type.Optional(Text),
  subject: Type.Optional(Text),
  groupChannel: Type.Optional(Text),
  space: Type.Optional(Text),
  chatType: Type.Optional(Text),
  origin: Type.Optional(Type.Unknown()),
  updatedAt: Type.Union([EpochMs, Type.Null()]),
  sessionId: Type.Optional(Text),
  systemSent: Type.Optional(Type.Boolean()),
  abortedLastRun: Type.Optional(Type.Boolean()),
  thinkingLevel: Type.Optional(Text),
  verboseLevel: Type.Optional(Text),
  sendPolicy: Type.Optional(Text),
  inputTokens: Type.Optional(Count),
  outputTokens: Type.Optional(Count),
  totalTokens: Type.Optional(Count),
  totalTokensFresh: Type.Boolean(),
  modelProvider: Type.Optional(Text),
  model: Type.Optional(Text),
  contextTokens: Type.Optional(Count),
  deliveryContext: Type.Optional(Type.Unknown()),
  lastChannel: Type.Optional(Text),
  lastTo: Type.Optional(Text),
  lastAccountId: Type.Optional(Text),
  derivedTitle: Type.Optional(Text),
  lastMessagePreview: Type.Optional(Type.String()),
});
export type SessionRow = Static<typeof SessionRow>;

const ListParams = closed({
  limit: Type.Optional(Positive),
  activeMinutes: Type.Optional(Positive),
  includeGlobal: Type.Optional(Type.Boolean()),
  includeUnknown: Type.Optional(Type.Boolean()),
  includeDerivedTitles: Type.Optional(Type.Boolean()),
  includeLastMessage: Type.Optional(Type.Boolean()),
  label: Type.Optional(Label),
  spawnedBy: Type.Optional(Text),
  agentId: Type.Optional(Text),
  search: Type.Optional(Type.String()),
});

const PatchParams = closed({
  key: SessionKeyText,
  label: settable(Label),
  thinkingLevel: settable(Text),
  verboseLevel: settable(Text),
  reasoningLevel: settable(Text),
  responseUsage: settable(oneOf(["off", "tokens", "full", "on"])),
  elevatedLevel: settable(Text),
  execHost: settable(Text),
  execSecurity: settable(Text),
  execAsk: settable(Text),
  execNode: settable(Text),
  model: settable(Text),
  spawnedBy: settable(Text),
  spawnDepth: settable(Count),
  sendPolicy: settable(oneOf(["allow", "deny"])),
  groupActivation: settable(oneOf(["mention", "always"])),
});

/** Sessions and their settings (wire protocol 5.4). Keys are canonicalised before use. */
export const sessionMethods = {
  "sessions.list": defineMethod({
    name: "sessions.list",
    params: ListParams,
    /** Newest first. `path` is `(multiple)` when there are several stores. */
    result: Type.Object({
      ts: EpochMs,
      path: Type.String(),
      count: Count,
      defaults: Type.Object({ modelProvider: TextOrNull, model: TextOrNull, contextTokens: NumberOrNull }),
      sessions: Type.Array(SessionRow),
    }),
    scope: "operator.read",
  }),
  "sessions.preview": defineMethod({
    name: "sessions.preview",
    /** The first 64 keys are answered; `limit` messages (default 12) of `maxChars` characters (default 240) each. */
    params: closed({
      keys: Type.Array(SessionKeyText, { minItems: 1 }),
      limit: Type.Optional(Positive),
      maxChars: Type.Optional(Type.Integer({ minimum: 20 })),
    }),
    result: Type.Object({
      ts: EpochMs,
      previews: Type.Array(
        Type.Object({
          key: Text,
          status: oneOf(["ok", "empty", "missing", "error"]),
          items: Type.Array(Type.Object({ role: Text, text: Type.String() })),
        }),
      ),
    }),
    scope: "operator.read",
  }),
  "sessions.resolve": defineMethod({
    name: "sessions.resolve",
    /** Exactly one of `key`, `sessionId` and `label`. */
    params: closed({
      key: Type.Optional(SessionKeyText),
      sessionId: Type.Optional(Text),
      label: Type.Optional(Label),
      agentId: Type.Optional(Text),
      spawnedBy: Type.Optional(Text),
      includeGlobal: Type.Optional(Type.Boolean()),
      includeUnknown: Type.Optional(Type.Boolean()),
    }),
    result: Type.Object({ ok: Type.Literal(true), key: Text }),
    scope: "operator.read",
    listed: false,
  }),
  "sessions.patch": defineMethod({
    name: "sessions.patch",
    params: PatchParams,
    result: Type.Object({
      ok: Type.Literal(true),
      path: Type.String(),
      key: Text,
      entry: SessionRecord,
      resolved: Type.Object({ modelProvider: Type.String(), model: Type.String() }),
    }),
    scope: "operator.admin",
  }),
  "sessions.reset": defineMethod({
    name: "sessions.reset",
    params: closed({ key: SessionKeyText, reason: Type.Optional(oneOf(["new", "reset"])) }),
    result: Type.Object({ ok: Type.Literal(true), key: Text, entry: SessionRecord }),
    scope: "operator.admin",
  }),
  "sessions.delete": defineMethod({
    name: "sessions.delete",
    /** `deleteTranscript` defaults to true. */
    params: closed({
      key: SessionKeyText,
      deleteTranscript: Type.Optional(Type.Boolean()),
      emitLifecycleHooks: Type.Optional(Type.Boolean()),
    }),
    result: Type.Object({
      ok: Type.Literal(true),
      key: Text,
      deleted: Type.Boolean(),
      archived: Type.Array(Type.String()),
    }),
    scope: "operator.admin",
  }),
  /** Version 4 clients call it before all else and treat a refusal as fatal (wire protocol 11.5). */
  "sessions.subscribe": defineMethod({
    name: "sessions.subscribe",
    params: NoParams,
    result: Done,
    scope: "operator.read",
    since: 4,
  }),
};
