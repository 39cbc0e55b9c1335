import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** A short answer of the gateway itself. */
export interface Answer {
  readonly status: number;
  /** The name of the status; what else there is to say comes after a colon. */
  readonly body: string;
  readonly type?: string;
  readonly allow?: string;
  /** Seconds. */
  readonly retryAfter?: number;
}

/** Headers of every answer: nothing here is to be sniffed, framed, cached, followed or read by other pages. */
export const COMMON_HEADERS: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/** A page that runs nothing and is shown in no frame. */
export const OWN_POLICY = "default-src 'none'; frame-ancestors 'none'";

function headersOf({ body, type = "text/plain", allow, retryAfter }: Answer): Record<string, string> {
  return {
    ...COMMON_HEADERS,
    "content-security-policy": OWN_POLICY,
    "content-length": String(Buffer.byteLength(body)),
    "content-type": `${type}; charset=utf-8`,
    ...(allow === undefined ? {} : { allow }),
    ...(retryAfter === undefined ? {} : { "retry-after": String(retryAfter) }),
  };
}

export function answerWith(response: ServerResponse, answer: Answer): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(answer.status, headersOf(answer));
  response.end(answer.body);
}

/** Answers on a socket that no HTTP response belongs to, and lets go of it. */
export function answerRaw(socket: Duplex, answer: Answer): void {
  // The HTTP server has let go of the socket: nobody else hears its errors or closes it.
  socket.on("error", () => socket.destroy());
  if (!socket.writable) return void socket.destroy();
  const headers = { ...headersOf(answer), connection: "close" };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const status = `HTTP/1.1 ${answer.status} ${answer.body.split(":", 1)[0] ?? ""}\r\n`;
  socket.end(`${status}${lines.join("")}\r\n${answer.body}`, () => socket.destroy());
}
