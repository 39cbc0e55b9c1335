import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type FakeCall, numberArg, readCall } from "./call.ts";
import { type Fault, type Faults, type Refusal, refusalOf } from "./faults.ts";
import { METHODS, type Platform, Refused } from "./methods.ts";
import type { UpdateQueue } from "./updates.ts";

/** What the HTTP side needs of the fake. */
export interface ServerParts {
  readonly token: string;
  readonly platform: Platform;
  readonly updates: UpdateQueue;
  readonly faults: Faults;
  /** Called for every call of a known token, before it is answered. */
  readonly onCall: (call: FakeCall) => void;
  /** Called when a call has taken effect. */
  readonly onApplied: () => void;
}

const DEFAULT_SLOW_MS = 500;
/** Name of file downloads in fault scripts. */
const FILE = "file";
const WEBHOOK_SET: Refusal = {
  status: 409,
  description:
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
};

/** Serves the Bot API on a free port of 127.0.0.1. */
export async function serve(parts: ServerParts): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    handle(parts, request, response).catch((error: unknown) => {
      refuse(response, { status: 500, description: `Internal Server Error: ${String(error)}` });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { server, url: `http://127.0.0.1:${port}` };
}

/** One request: a file, or a call that a fault may spoil first. */
async function handle(parts: ServerParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = decodeURIComponent(new URL(request.url ?? "/", "http://fake").pathname);
  const filePrefix = `/file/bot${parts.token}/`;
  if (path.startsWith(filePrefix)) {
    const fault = parts.faults.take(FILE);
    if (fault !== undefined && (await spoil(fault, response))) return;
    return serveFile(parts, path.slice(filePrefix.length), response);
  }
  const method = path.startsWith(`/bot${parts.token}/`) ? path.slice(`/bot${parts.token}/`.length) : undefined;
  // Telegram answers 401 for a token it does not know and 404 for a path that is none.
  if (method === undefined) {
    return refuse(response, path.startsWith("/bot") ? UNAUTHORIZED : { status: 404, description: "Not Found" });
  }
  const call = await readCall(method, request);
  parts.onCall(call);
  const fault = parts.faults.take(method);
  if (fault !== undefined && (await spoil(fault, response))) return;
  await answer(parts, call, { response, dropped: fault?.kind === "drop-response" });
}

const UNAUTHORIZED: Refusal = { status: 401, description: "Unauthorized" };

/** Applies a fault; true when nothing is left to do for this call. */
async function spoil(fault: Fault, response: ServerResponse): Promise<boolean> {
  const refusal = refusalOf(fault);
  if (refusal !== undefined) {
    refuse(response, refusal);
    return true;
  }
  switch (fault.kind) {
    case "disconnect":
      response.destroy();
      return true;
    case "hang":
      return true;
    case "slow":
      await new Promise<void>((resolve) => setTimeout(resolve, fault.delayMs ?? DEFAULT_SLOW_MS));
      return false;
    default:
      return false;
  }
}

interface Reply {
  readonly response: ServerResponse;
  /** The call takes effect, its answer is lost. */
  readonly dropped: boolean;
}

/** Performs the call and answers it, unless the answer is to be lost. */
async function answer(parts: ServerParts, call: FakeCall, { response, dropped }: Reply): Promise<void> {
  if (call.method === "getUpdates") return answerPoll(parts, call, { response, dropped });
  const method = Object.hasOwn(METHODS, call.method) ? METHODS[call.method] : undefined;
  if (method === undefined) return refuse(response, { status: 404, description: "Not Found: method not found" });
  try {
    call.result = method(parts.platform, call);
  } catch (error) {
    if (error instanceof Refused) return refuse(response, error.refusal);
    throw error;
  }
  call.applied = true;
  parts.onApplied();
  if (dropped) response.destroy();
  else respond(response, 200, { ok: true, result: call.result });
}

/** `getUpdates` waits, so it also watches for a client that leaves. */
async function answerPoll(
  { platform, updates }: ServerParts,
  call: FakeCall,
  { response, dropped }: Reply,
): Promise<void> {
  if (platform.webhook !== "") return refuse(response, WEBHOOK_SET);
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  const allowed = call.args["allowed_updates"];
  const request = {
    offset: numberArg(call, "offset"),
    timeout: numberArg(call, "timeout"),
    limit: Number(call.args["limit"] ?? 100),
    allowed: Array.isArray(allowed) && allowed.length > 0 ? (allowed as string[]) : undefined,
  };
  const result = await updates.poll(request, gone.signal);
  if (dropped) response.destroy();
  else if ("updates" in result) respond(response, 200, { ok: true, result: result.updates });
  else refuse(response, result);
}

function serveFile({ platform }: ServerParts, path: string, response: ServerResponse): void {
  const bytes = platform.files.read(path);
  if (bytes === undefined) return refuse(response, { status: 404, description: "Not Found" });
  response.writeHead(200, { "content-type": "application/octet-stream", "content-length": bytes.length }).end(bytes);
}

function refuse(response: ServerResponse, { status, description, parameters }: Refusal): void {
  const extra = parameters === undefined ? {} : { parameters };
  respond(response, status, { ok: false, error_code: status, description, ...extra });
}

/** Nothing is written to a client that has left. */
function respond(response: ServerResponse, status: number, body: object): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
