import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import type { Random } from "./random.ts";

/** What a person wrote. */
export interface RelayEvent {
  readonly seq: number;
  readonly from: string;
  readonly text: string;
  /** Epoch ms. */
  readonly at: number;
}

/** What the bot posted. */
export interface RelayMessage {
  readonly id: string;
  readonly key: string;
  readonly to: string;
  readonly text: string;
  /** Epoch ms. */
  readonly at: number;
}

/**
 * The platform behind the relay channel. It posts whatever it is told, also the same key twice, answers late, tells events
 * again that it told before, and can be asked for a key.
 */
export interface RelayPlatform {
  readonly url: string;
  say(from: string, text: string): string;
  /** As they read now, without those that were removed. */
  posts(): readonly RelayMessage[];
  edits(): number;
  /** Requests so far. */
  calls(): number;
  close(): Promise<void>;
}

/** A poll without news, ms. */
const POLL_MS = 500;
const POLL_STEP_MS = 10;
/** An answer to a send takes up to this, ms: time for a kill between the deed and its receipt. */
const SLOWEST_MS = 25;
const RETELL = 0.1;
const BATCH = 10;

export async function startRelayPlatform(random: Random): Promise<RelayPlatform> {
  const events: RelayEvent[] = [];
  const posts: RelayMessage[] = [];
  const removed = new Set<string>();
  let calls = 0;
  let edits = 0;
  const closing = new AbortController();
  const verbs: Record<string, (body: Record<string, unknown>) => Promise<unknown>> = {
    async poll({ after }) {
      const first = Number(after);
      for (
        const until = Date.now() + POLL_MS;
        !closing.signal.aborted && events.length <= first && Date.now() < until;
      ) {
        await wait(POLL_STEP_MS);
      }
      return events.slice(random.chance(RETELL) ? Math.max(0, first - 2) : first, first + BATCH);
    },
    async send({ key, to, text }) {
      const id = `p${posts.length + 1}`;
      const post = { id, key: String(key), to: String(to), text: String(text), at: Date.now() };
      posts.push(post);
      await wait(random.between(0, SLOWEST_MS));
      return post;
    },
    async edit({ id, text }) {
      const index = posts.findIndex((post) => post.id === id);
      const post = posts[index];
      if (post === undefined) throw new Error(`there is no message ${String(id)}`);
      posts[index] = { ...post, text: String(text) };
      edits += 1;
      await wait(random.between(0, SLOWEST_MS));
      return posts[index];
    },
    async remove({ id }) {
      removed.add(String(id));
      await wait(random.between(0, SLOWEST_MS));
      return null;
    },
    find: async ({ key }) => posts.find((post) => post.key === key) ?? null,
  };
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    calls += 1;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const answer = await verbs[(request.url ?? "").slice(1)]?.(JSON.parse(Buffer.concat(chunks).toString("utf8")));
    response.end(JSON.stringify(answer));
  };
  // A request that was cut off by a kill has nobody who waits for its answer.
  const server = createServer((request, response) => void handle(request, response).catch(() => response.destroy()));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    say(from, text) {
      events.push({ seq: events.length + 1, from, text, at: Date.now() });
      return String(events.length);
    },
    posts: () => posts.filter(({ id }) => !removed.has(id)),
    calls: () => calls,
    edits: () => edits,
    async close() {
      closing.abort();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
