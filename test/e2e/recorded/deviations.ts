/** One place where our gateway does not do what was recorded, and why that is right. */
interface Deviation {
  /** Version, case or method, and path inside the payload. */
  readonly at: string;
  /** Keys that our answer does not have there. */
  readonly lacks?: string;
  /** What our gateway does instead. */
  readonly ours?: unknown;
  readonly why: string;
}

const refused = (code: string, message: string, details?: object) => ({
  error: { code, message, ...(details === undefined ? {} : { details }) },
  closed: { code: 1008, reason: message.slice(0, 120) },
});

const pairing = (reason: string, message: string) =>
  refused("NOT_PAIRED", message, { code: "PAIRING_REQUIRED", requestId: "$requestId", reason });

const decided: readonly Deviation[] = [
  { at: "v3 protocol-4-only", ours: "accepted", why: "Versions: a client of version 4 alone is welcome" },
  { at: "v3 hello-ok .protocol", ours: "4, not 3", why: "Versions: the newest that both sides speak" },
  { at: "v3 scope-upgrade-local", ours: "accepted", why: "Pairing trap: a pending repair blocks no local approval" },
  { at: "v4 protocol-4-only", ours: "accepted", why: "Versions: a client of version 3 alone is welcome" },
  {
    at: "v4 connect-bad-params",
    ours: refused(
      "INVALID_REQUEST",
      "invalid connect params: at root: unexpected property 'extra'; at /client/id: must be equal to constant; at /client/id: must match a schema in anyOf",
    ),
    why: "Versions: this client speaks version 3, so it is answered in the words of version 3",
  },
  { at: "v4 x1 health", ours: "ok", why: "Closedness: version 4 ignores unknown keys in frames" },
  { at: "v4 r25 sessions.patch", ours: "ok", why: "Closedness: version 4 ignores unknown keys in params" },
  {
    at: "v4 platform-change",
    ours: pairing("metadata-upgrade", "device metadata change pending approval"),
    why: "the seed, Pairing + local trust: changed metadata needs repair pairing",
  },
  {
    at: "v4 role-upgrade",
    ours: pairing("role-upgrade", "role upgrade pending approval"),
    why: "8.2: a second role is never granted silently",
  },
  {
    at: "v4 nonlocal-host-new-device",
    ours: pairing("not-paired", "device pairing required"),
    why: "Local: only a loopback Host name is local",
  },
];

const ownWords: readonly Deviation[] = [
  {
    at: "v4 password-in-token-mode",
    ours: refused(
      "INVALID_REQUEST",
      "unauthorized: gateway token missing (use this gateway's gateway.auth.token or pair the device)",
      {
        code: "AUTH_TOKEN_MISSING",
        authReason: "token_missing",
        canRetryWithDeviceToken: false,
        recommendedNextStep: "update_auth_configuration",
      },
    ),
    why: "a password is no wrong token: version 3 was right to say that the token is missing",
  },
  {
    at: "v4 invalid none",
    ours: {
      code: "INVALID_REQUEST",
      message:
        "invalid request frame: must have required property 'id'; must have required property 'method'; at /type: must be equal to constant",
    },
    why: "a request without method is told so, as in version 3",
  },
  {
    at: "v4 r63 send",
    ours: { code: "INVALID_REQUEST", message: "Error: Channel is required (no configured channels detected)." },
    why: "the recorded text goes on to name commands and flags that this CLI does not have",
  },
  {
    at: "v3 r28 chat.inject",
    ours: "ok",
    why: "the reference gateway misses the transcript file of a session without messages; here there is none to miss",
  },
  { at: "v4 config.get .raw", ours: "string, not null", why: "the redacted text is given, as in version 3" },
];

const NO_MODEL = "the gateway calls no model itself: runtimes do, and do not tell this";
const ONE_COUNT = "a runtime reports the tokens of the whole turn";
const OPTIONAL = "optional, and not built: no client call of wire protocol section 12 reads it";

const notBuilt: readonly Deviation[] = [
  { at: "v3 hello-ok ", lacks: "canvasHostUrl", why: "there is no canvas host yet" },
  { at: "v3 hello-ok .snapshot", lacks: "updateAvailable", why: "nothing looks for updates" },
  { at: "v3 status .sessions.defaults.contextTokens", ours: "null, not number", why: NO_MODEL },
  { at: "v3 sessions.list .defaults.contextTokens", ours: "null, not number", why: NO_MODEL },
  { at: "v4 status .sessions.defaults.contextTokens", ours: "null, not number", why: NO_MODEL },
  { at: "v4 sessions.list .defaults.contextTokens", ours: "null, not number", why: NO_MODEL },
  { at: "v3 agent .result.meta.agentMeta", lacks: "lastCallUsage promptTokens", why: ONE_COUNT },
  { at: "v3 agent .result.meta", lacks: "systemPromptReport", why: NO_MODEL },
  { at: "v3 chat.history .messages[]", lacks: "api", why: NO_MODEL },
  {
    at: "v3 sessions.list .sessions[]",
    lacks: "systemSent contextTokens",
    why: NO_MODEL,
  },
  {
    at: "v3 sessions.list .sessions[]",
    lacks: "displayName chatType origin deliveryContext lastChannel",
    why: "only messages of a channel say where they came from",
  },
  {
    at: "v3 sessions.reset .entry",
    lacks: "model modelProvider contextTokens inputTokens outputTokens totalTokens totalTokensFresh skillsSnapshot",
    why: NO_MODEL,
  },
  {
    at: "v3 sessions.reset .entry",
    lacks: "origin lastChannel",
    why: "only messages of a channel say where they came from",
  },
  { at: "v4 health ", lacks: "plugins configReload modelRuntime eventLoop", why: OPTIONAL },
  { at: "v4 event health ", lacks: "plugins configReload eventLoop", why: OPTIONAL },
  {
    at: "v4 status ",
    lacks:
      "hostDesktop degradedSecretOwners degradedPlugins tasks taskAudit modelRuntime eventLoop processMemory workerPools pid shutdownBudget",
    why: OPTIONAL,
  },
  { at: "v4 status .heartbeat.agents[]", lacks: "waitingForRoute", why: "there are no heartbeats yet" },
  {
    at: "v4 system-presence []",
    lacks: "instanceId clientId deviceFamily",
    why: "presence entries keep the closed shape of version 3, and the recorded node was never admitted here",
  },
  { at: "v4 event presence .presence[]", lacks: "instanceId", why: OPTIONAL },
  { at: "v4 agents.list ", lacks: "ownership selectionRequired", why: OPTIONAL },
  {
    at: "v4 agents.list .agents[]",
    lacks:
      "workspace workspaceGit agentRuntime thinkingLevels thinkingOptions thinkingDefault model defaultPermissionMode",
    why: OPTIONAL,
  },
  { at: "v4 agent.identity.get ", lacks: "nameSource", why: OPTIONAL },
  { at: "v4 channels.status ", lacks: "eventLoop statusIssues", why: OPTIONAL },
  {
    at: "v4 sessions.list ",
    lacks: "totalCount limitApplied nextOffset hasMore owners",
    why: "the list is whole: there are no pages and no owners",
  },
  {
    at: "v4 sessions.list .defaults",
    lacks: "agentRuntime thinkingLevels thinkingOptions thinkingDefault modelSelectionTarget",
    why: OPTIONAL,
  },
  {
    at: "v4 sessions.list .sessions[]",
    lacks:
      "visibility permissionModePending createdVia participants expandedParticipants participantCount classification agentId isMain isBackground displayName chatType archived pinned unread lastInteractionAt lastActivityAt systemSent thinkingLevels thinkingOptions thinkingDefault effectiveFastMode effectiveFastModeSource fastAutoOnSeconds estimatedCostUsd hasAutomation effectiveResponseUsage effectiveQueueMode modelOverrideSource runtimeSelectionLocked agentRuntime contextTokens contextBudgetStatus snapshotAt placement hasActiveRun activeRunIds sharingRole",
    why: OPTIONAL,
  },
  {
    at: "v4 sessions.reset .entry",
    lacks:
      "lifecycleRevision sessionStartedAt chatType compactionCount createdVia displayName delivery inputTokens outputTokens totalTokens totalTokensFresh totalTokensVersion modelProvider model",
    why: OPTIONAL,
  },
  { at: "v4 sessions.reset ", lacks: "resolved", why: OPTIONAL },
  { at: "v4 chat.history ", lacks: "pendingInputs hasMore totalMessages defaults sessionInfo", why: OPTIONAL },
  {
    at: "v4 config.get ",
    lacks:
      "includedPaths includeProvenance agentRosterIncludeOwned bindingsIncludeOwned sourceConfig runtimeConfig configRevisionHash appliedConfigHash",
    why: "one config file without includes, read anew by every call",
  },
  { at: "v4 agent.wait ", lacks: "livenessState terminalReceipt terminalReply", why: OPTIONAL },
  { at: "v4 event agent assistant .data", lacks: "itemId", why: OPTIONAL },
];

/** By place: all that may differ from the recordings of one version, and must. Names in capitals are rows of wire protocol section 0. */
export function deviationsOf(version: 3 | 4): ReadonlyMap<string, unknown> {
  const places = new Map<string, unknown>();
  for (const { at, lacks, ours } of [...decided, ...ownWords, ...notBuilt]) {
    if (!at.startsWith(`v${version} `)) continue;
    if (lacks === undefined) places.set(at, ours);
    for (const key of lacks?.split(" ") ?? []) places.set(`${at}.${key}`, "absent");
  }
  return places;
}
