export { ERROR_CODES, type ErrorCode, ErrorShape } from "./errors.ts";
export { OPERATOR_SCOPES, OWNER_SCOPES, type OperatorScope, scopeCovers, scopesCover } from "./scopes.ts";
export { EventFrame, RequestFrame, ResponseFrame, StateVersion } from "./frames.ts";
export {
  type EventAudience,
  type EventDescriptor,
  type MethodDescriptor,
  type ProtocolVersion,
  defineEvent,
  defineMethod,
} from "./descriptor.ts";
export {
  CLIENT_IDS_V3,
  CLIENT_IDS_V4,
  CLIENT_MODES_V3,
  CLIENT_MODES_V4,
  type ClientId,
  type ClientMode,
  PROTOCOL_VERSIONS,
} from "./client.ts";
export {
  ConnectChallenge,
  type ConnectParams,
  ConnectParamsV3,
  ConnectParamsV4,
  DeviceProof,
  connectParamsFor,
} from "./connect.ts";
export {
  type HelloOk,
  HelloOkV3,
  HelloOkV4,
  Policy,
  PresenceEntry,
  SessionDefaults,
  Snapshot,
  helloOkFor,
} from "./hello.ts";
export { AgentHealth, AgentHeartbeat, ChannelHealth, HealthSnapshot, SessionsSummary } from "./health.ts";
export {
  ContentBlock,
  ImageBlock,
  TextBlock,
  ThinkingBlock,
  ToolCallBlock,
  TranscriptMessage,
  Usage,
} from "./transcript.ts";
export { type AcceptedOf, METHODS, type MethodName, type ParamsOf, type ResultOf } from "./methods/index.ts";
export { AccountSnapshot } from "./methods/channels.ts";
export { AuditEvent, AuditReport } from "./methods/audit.ts";
export { PairedDevice, PendingDevice } from "./methods/devices.ts";
export { NodeFacts, NodePairingRequest, PairedNode } from "./methods/nodes.ts";
export { PairedSender, PairingRequest } from "./methods/pairing.ts";
export { DELIVERY_STATES, DeliveryPart, DeliverySummary } from "./delivery.ts";
export { KEPT_STATES, KeptSummary } from "./inbox.ts";
export { ExtensionRow } from "./methods/extensions.ts";
export { SessionRecord, SessionRow } from "./methods/sessions.ts";
export { EVENTS, type EventName, type PayloadOf } from "./events/index.ts";
export { AgentEventPayload } from "./events/agent.ts";
export { ChatEventPayload } from "./events/chat.ts";
export { DeliveryEventPayload } from "./events/delivery.ts";
export { EXTENSION_STATES, type ExtensionState, ISOLATIONS, type Isolation } from "./extension.ts";
export { ID_PATTERN, MANIFEST_FILE, Manifest, Permissions, Provides } from "./manifest.ts";
export {
  ENDPOINT_FORMAT,
  Endpoint,
  FORMATS,
  SECRET_FORMAT,
  Secret,
  type SecretSource,
  isEndpointSchema,
  isSecretSchema,
} from "./secret.ts";
export { Config, type ExtensionsConfig, REFERENCE_ONLY_KEYS } from "./config/index.ts";
export type { Binding } from "./config/bindings.ts";
export { GatewayConfig } from "./config/gateway.ts";
export { type AgentEntry, AgentsConfig, SessionConfig } from "./config/agents.ts";
export {
  CHANNEL_POLICY_DEFAULTS,
  ChannelConfig,
  ChannelPolicy,
  DM_POLICIES,
  GROUP_POLICIES,
  channelPolicy,
} from "./config/channels.ts";
