/** Sizes in bytes, times in milliseconds, the rest are counts. */
export interface Limits {
  readonly maxPayloadBytes: number;
  readonly maxPreAuthBytes: number;
  readonly messageValues: number;
  readonly maxBufferedBytes: number;
  readonly handshakeTimeoutMs: number;
  readonly tickIntervalMs: number;
  readonly waitingPerAddress: number;
  readonly waitingLoopback: number;
  readonly waitingTotal: number;
  readonly unauthorizedCalls: number;
  readonly closeReasonBytes: number;
  readonly closeGraceMs: number;
  readonly idempotencyMs: number;
  readonly idempotencyRows: number;
  readonly idempotencyKeyChars: number;
  readonly idempotentResultBytes: number;
  readonly idempotencyPruneMs: number;
  readonly httpBodyBytes: number;
  readonly httpHeadersMs: number;
  readonly httpRequestMs: number;
  readonly httpHandlerMs: number;
}

/** Every number of the wire: why it has this value and where it comes from. */
export const LIMITS: Limits = {
  /** Largest message from an authenticated client: attachments travel inside frames (wire protocol section 1). */
  maxPayloadBytes: 25 * 1024 * 1024,
  /** Objects, arrays and values in one message: parsing as many takes about 0.1 s, and real requests hold some hundreds. */
  messageValues: 200_000,
  /** What a client may send in all before it is authenticated; a connect request is about 1 KiB (wire protocol section 0, Pre-auth). */
  maxPreAuthBytes: 64 * 1024,
  /** What may wait for one client to read it; beyond that it is a slow consumer (wire protocol section 1). */
  maxBufferedBytes: 50 * 1024 * 1024,
  /** From the open socket to the accepted connect (wire protocol section 0, Pre-auth). */
  handshakeTimeoutMs: 10_000,
  /** Sign of life to every client (wire protocol section 0, Tick). */
  tickIntervalMs: 15_000,
  /** Unauthenticated sockets of one address (wire protocol section 0, Pre-auth). */
  waitingPerAddress: 32,
  /** The same for loopback without Origin: many local clients share that address (wire protocol section 0, Pre-auth). */
  waitingLoopback: 512,
  /** Unauthenticated sockets in all (wire protocol section 0, Pre-auth). */
  waitingTotal: 2_048,
  /** Consecutive calls of methods that belong to another role; one more closes the connection (wire protocol 1.1). */
  unauthorizedCalls: 10,
  /** A control frame holds 125 bytes, two of them the code (RFC 6455, 5.5); clients know reasons cut at 120 (wire protocol 1.1). */
  closeReasonBytes: 120,
  /** How long a peer may take to answer a close frame before its socket is destroyed. */
  closeGraceMs: 1_000,
  /** How long a key of a side effect is remembered; clients repeat within minutes, a sleeping laptop within a day. */
  idempotencyMs: 24 * 60 * 60_000,
  /** Keys remembered at most: about 50 MB at 500 bytes a row. */
  idempotencyRows: 100_000,
  /** Length of a key, UTF-16 units; clients send UUIDs. */
  idempotencyKeyChars: 512,
  /** An outcome larger than this is not stored; a repeat then asks the handler again (wire protocol section 0, Idempotency). */
  idempotentResultBytes: 64 * 1024,
  /** How often forgotten keys are removed. */
  idempotencyPruneMs: 60 * 60_000,
  /** Body of an HTTP request: the largest webhook a channel may take (design of webhooks: 1 MiB). */
  httpBodyBytes: 1024 * 1024,
  /** From the first byte of a request to the last of its headers: slow clients must not hold sockets. */
  httpHeadersMs: 10_000,
  /** From the first byte of a request to its last. */
  httpRequestMs: 30_000,
  /** How long a room may take to answer a request. */
  httpHandlerMs: 30_000,
};
