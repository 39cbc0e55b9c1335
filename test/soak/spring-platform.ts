import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

/** One message of a person. */
export interface Drop {
  readonly seq: number;
  readonly from: string;
  readonly text: string;
}

/** The platform behind the spring channel: as many messages as it is told, no more of them unanswered than a window. */
export interface SpringPlatform {
  readonly url: string;
  /** Lets so many more messages come. */
  open(messages: number): void;
  /** Answers that the channel has sent. */
  sent(): number;
  close(): Promise<void>;
}

/** People who write, in turn. */
const PEOPLE = 2_000;
const BATCH = 100;
/** Messages on their way at most, so that a long run needs no more memory at a time than a short one. */
const WINDOW = 1_000;
/** A question without news is answered after, ms. */
const POLL_MS = 1_000;
const STEP_MS = 5;
/** Lengths of the messages, in turn, characters. */
const LENGTHS = [12, 80, 30, 400, 50, 1_500, 20, 120];

const dropOf = (seq: number): Drop => ({
  seq,
  from: `person-${seq % PEOPLE}`,
  text: `message ${seq} `.padEnd(LENGTHS[seq % LENGTHS.length] ?? 0, "and so on "),
});

export async function startSpringPlatform(): Promise<SpringPlatform> {
  let [quota, told, answered] = [0, 0, 0];
  const closing = new AbortController();
  const free = () => Math.min(quota - told, WINDOW - (told - answered));
  const poll = async ({ after, sent }: { after: number; sent: number }): Promise<Drop[]> => {
    [told, answered] = [after, sent];
    for (let left = POLL_MS; free() <= 0 && left > 0 && !closing.signal.aborted; left -= STEP_MS) await wait(STEP_MS);
    return Array.from({ length: Math.max(0, Math.min(free(), BATCH)) }, (_, index) => dropOf(after + index + 1));
  };
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString("utf8")) as { after: number; sent: number };
    response.end(JSON.stringify(await poll(body)));
  };
  const server = createServer((request, response) => void handle(request, response).catch(() => response.destroy()));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    open(messages) {
      quota += messages;
    },
    sent: () => answered,
    async close() {
      closing.abort();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
