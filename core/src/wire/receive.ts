import type { RequestFrame } from "openclaw-host-schemas";
import type { Logger } from "../base/log.ts";
import { describeIssues } from "../base/validator.ts";
import { decode, failureFrame, readRequest } from "./codec.ts";
import type { Connection, ConnectionState } from "./connection.ts";
import type { Dispatch } from "./dispatch.ts";
import type { Handshake } from "./handshake.ts";
import { hasMoreValues } from "./json-values.ts";
import { LIMITS } from "./limits.ts";

export interface ReceiverParts {
  readonly handshake: Handshake;
  readonly dispatch: Dispatch;
  readonly log: Logger;
}

/** Takes every message of a client to where the state of its connection says. */
export function createReceiver({
  handshake,
  dispatch,
  log,
}: ReceiverParts): (connection: Connection, data: Buffer) => void {
  return (connection, data) => {
    const { state } = connection;
    switch (state.at) {
      case "challenged":
        return state.deciding ? connection.enqueue(data) : handshake(connection, data);
      case "ready": {
        const frame = requestOf(connection, data, { dialect: state.dialect, log });
        return frame && dispatch({ connection, caller: state.caller, dialect: state.dialect }, frame);
      }
      case "closing":
        return undefined;
    }
  };
}

type Ready = Extract<ConnectionState, { readonly at: "ready" }>;

/**
 * After the handshake what is no JSON is ignored, and what is no request is answered (wire protocol 1.1, 4). A message of
 * millions of tiny values would hold the gateway for seconds while it is parsed: it ends its connection unread.
 */
function requestOf(
  connection: Connection,
  data: Buffer,
  { dialect, log }: Pick<Ready, "dialect"> & { readonly log: Logger },
): RequestFrame | undefined {
  // A value costs at least two bytes: what is smaller cannot hold too many.
  if (data.length > LIMITS.messageValues * 2 && hasMoreValues(data, LIMITS.messageValues)) {
    log.warn("closed a connection whose message held too many values", { conn: connection.id, bytes: data.length });
    connection.close(1008, `a message may hold ${LIMITS.messageValues} values: send less at once`);
    return undefined;
  }
  const decoded = decode(data);
  if (decoded === undefined) {
    log.debug("ignored a message that is not JSON", { conn: connection.id });
    return undefined;
  }
  const reading = readRequest(decoded.json, dialect.closed);
  if (reading.ok) return reading.frame;
  const message = `invalid request frame: ${describeIssues(reading.issues)}`;
  connection.send(failureFrame(reading.id, { code: "INVALID_REQUEST", message }));
  return undefined;
}
