/** No honest answer of the Bot API is larger, bytes. The longest are 100 updates of a few KiB each. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** The server answered, but not as a Bot API server does: a proxy's error page, a wrong `apiRoot`, a broken server. */
export class ForeignAnswer extends Error {
  override readonly name = "ForeignAnswer";
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** grammY hands over the signal of a polyfill, which the platform's `fetch` does not take. */
interface AnySignal {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** What grammY passes to its `fetch`: JSON text, or the chunks of a multipart upload. */
interface GrammyRequest {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | AsyncIterable<Uint8Array>;
  readonly signal?: AnySignal;
}

/**
 * `fetch` for grammY on the platform's own client. Besides translating body and signal it reads the answer at once,
 * bounded, and makes sure that it is a Bot API answer: `{ ok: boolean, ... }`
 * (https://core.telegram.org/bots/api#making-requests). Redirects are refused, since the URL carries the bot token.
 *
 * @throws ForeignAnswer when something else answered.
 */
export async function botFetch(url: string, request: GrammyRequest): Promise<Response> {
  const cut = new AbortController();
  const abort = () => cut.abort();
  if (request.signal?.aborted === true) abort();
  request.signal?.addEventListener("abort", abort);
  try {
    const { body } = request;
    const response = await fetch(url, {
      method: request.method ?? "POST",
      signal: cut.signal,
      redirect: "error",
      ...(request.headers === undefined ? {} : { headers: request.headers }),
      ...(body === undefined
        ? {}
        : typeof body === "string"
          ? { body }
          : { body: ReadableStream.from(body), duplex: "half" }),
    });
    const text = await readText(response);
    if (!isBotAnswer(text)) {
      throw new ForeignAnswer(
        response.status,
        `the server answered ${response.status}, but not as a Bot API server does`,
      );
    }
    return new Response(text, { headers: { "content-type": "application/json" } });
  } finally {
    request.signal?.removeEventListener("abort", abort);
  }
}

/** The body as text, given up on when it grows past any honest size. */
async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) {
      throw new ForeignAnswer(response.status, `the server's answer is larger than ${MAX_ANSWER_BYTES} bytes`);
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** Every answer of the Bot API, refusals too, says `ok`. */
function isBotAnswer(text: string): boolean {
  try {
    const answer: unknown = JSON.parse(text);
    return typeof answer === "object" && answer !== null && "ok" in answer && typeof answer.ok === "boolean";
  } catch {
    return false;
  }
}
