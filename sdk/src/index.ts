export { type Static, type TSchema, Type } from "@sinclair/typebox";
export { Secret, Endpoint, type TranscriptMessage } from "openclaw-host-schemas";
export {
  CONTRACT_VERSION,
  type ExtensionDef,
  type NodeCommandDef,
  defineAgent,
  defineChannel,
  defineExtension,
  defineNodeCommand,
  isExtensionDef,
} from "./contract/define.ts";
export type { AgentCtx, AgentDef, AgentEvent, AgentTurn } from "./contract/agent.ts";
export type { ChannelDef, Connection, OutboundStream, ProbeResult, SendMeta, StreamMeta } from "./contract/channel.ts";
export type {
  AccountCtx,
  BaseCtx,
  ChannelCtx,
  GuestLog,
  GuestStore,
  MediaDoor,
  ReceiveOutcome,
  WebhookRequest,
  WebhookResponse,
} from "./contract/context.ts";
export {
  ConnectError,
  type ContractErrorCode,
  type ErrorData,
  ReceiveError,
  SendError,
  errorFromData,
  errorToData,
  isConnectError,
  isReceiveError,
  isSendError,
} from "./contract/errors.ts";
export type {
  Actor,
  Body,
  Call,
  Capabilities,
  Closed,
  Health,
  Inbound,
  LoginStep,
  MediaKind,
  MediaRef,
  Outbound,
  Part,
  Peer,
  PeerKind,
  PendingMedia,
  Receipt,
} from "./contract/vocabulary.ts";
