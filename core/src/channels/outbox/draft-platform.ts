import { type Receipt, SendError } from "openclaw-host-sdk";
import type { ChannelConnection, ChannelStream } from "../../host/channel-port.ts";

export type Verb = "open" | "push" | "finish" | "abort" | "send";

/** What the platform does with one call instead of just doing it. `hang` and `lost` do it first unless `undone`. */
export interface Trouble {
  readonly kind: "not-sent" | "rejected" | "lost" | "hang";
  readonly undone?: true;
  readonly scope?: "message" | "peer" | "account";
  readonly retryAfterMs?: number;
}

/** A platform whose messages can be edited. It outlives the gateways. */
export interface DraftPlatform {
  /** Its calls that took effect, as `verb id text`. */
  readonly log: readonly string[];
  /** What the chat shows. */
  shown(): string[];
  /** The next call of this kind goes wrong. */
  next(verb: Verb, trouble: Trouble): void;
  /** Calls of this kind that were begun. */
  count(verb: Verb): number;
  /** Lets the calls that hang go on. */
  release(): void;
  /** Somebody deletes a message. */
  remove(id: string): void;
}

const refusal = (verb: Verb, { scope = "message", retryAfterMs }: Trouble, fate: "not-sent" | "rejected") =>
  new SendError(`${verb} is ${fate}`, { fate, scope, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });

/** A platform without messages. */
// oxlint-disable-next-line max-lines-per-function -- one fixture: its parts share what they build on
export function createPlatform(): DraftPlatform & { handle: Connector } {
  const messages = new Map<string, { text: string; key: string }>();
  const log: string[] = [];
  const troubles: { verb: Verb; trouble: Trouble }[] = [];
  const begun: Verb[] = [];
  let { promise: released, resolve: release } = Promise.withResolvers<void>();
  let last = 0;
  const take = (verb: Verb): Trouble | undefined => {
    begun.push(verb);
    const index = troubles.findIndex((entry) => entry.verb === verb);
    return index < 0 ? undefined : troubles.splice(index, 1)[0]?.trouble;
  };
  const act = async (verb: Verb, deed: () => string): Promise<string> => {
    const trouble = take(verb);
    if (trouble?.kind === "not-sent" || trouble?.kind === "rejected") throw refusal(verb, trouble, trouble.kind);
    const id = trouble?.undone === true ? "" : deed();
    if (trouble?.kind === "lost") throw new SendError(`${verb} got lost`, { fate: "unknown", scope: "message" });
    if (trouble?.kind === "hang") await released;
    return id;
  };
  const post = (verb: Verb, key: string, text: string) =>
    act(verb, () => {
      const id = `p${(last += 1)}`;
      messages.set(id, { text, key });
      log.push(`${verb} ${id} ${text}`);
      return id;
    });
  const change = (verb: Verb, id: string, text: string) =>
    act(verb, () => {
      if (!messages.has(id)) throw new SendError("no such message", { fate: "rejected", scope: "message" });
      messages.set(id, { text, key: messages.get(id)?.key ?? "" });
      log.push(`${verb} ${id} ${text}`);
      return id;
    });
  const streamOf = (to: Receipt["peer"], id: string): ChannelStream => ({
    ids: [id],
    push: async (text) => void (await change("push", id, text)),
    finish: async (body) => ({ ids: [await change("finish", id, body.text ?? "")], at: 1, peer: to }),
    async abort() {
      await act("abort", () => {
        messages.delete(id);
        log.push(`abort ${id}`);
        return id;
      });
    },
  });
  const handle: Connector = {
    send: async ({ to }, { key, part }) => {
      const text = part.text ?? part.media?.map(({ ref }) => `[${ref}]`).join("") ?? "";
      return { ids: [await post("send", key, text)], at: 1, peer: to };
    },
    openStream: async (to, { key, text, resume }) => streamOf(to, resume?.ids[0] ?? (await post("open", key, text))),
    reconcile: async ({ to }, { key }) => {
      const found = [...messages].find(([, message]) => message.key === key);
      return found === undefined ? "absent" : { ids: [found[0]], at: 1, peer: to };
    },
  };
  return {
    log,
    handle,
    shown: () => [...messages.values()].map(({ text }) => text),
    next: (verb, trouble) => void troubles.push({ verb, trouble }),
    count: (verb) => begun.filter((one) => one === verb).length,
    release() {
      release();
      ({ promise: released, resolve: release } = Promise.withResolvers<void>());
    },
    remove: (id) => void messages.delete(id),
  };
}

/** As a connection reaches it. */
export type Connector = Pick<ChannelConnection, "send"> & Required<Pick<ChannelConnection, "openStream" | "reconcile">>;
