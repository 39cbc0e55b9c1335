import { deserialize, serialize } from "node:v8";
import type { GuestStore } from "openclaw-host-sdk";
import type { ContextParts } from "./context-parts.ts";

/** A commit may wait for a slow disk this long, ms. */
const TIMEOUT_MS = 30_000;
/** Pairs of one page when the author names no number. */
const DEFAULT_LIMIT = 100;

/** The extension's own store. Values are encoded and decoded here, so the host never decodes what a guest wrote. */
export function guestStore(parts: ContextParts, context: string): GuestStore {
  const options = { timeoutMs: TIMEOUT_MS };
  const getMany = async (keys: readonly string[]) => {
    const found = await parts.rpc().call("store.get", { context, keys }, options);
    return new Map(found.map(([key, value]): [string, unknown] => [key, deserialize(value)]));
  };
  return {
    getMany,
    get: async (key) => (await getMany([key])).get(key),
    async list(prefix, page = {}) {
      const after = page.after === undefined ? {} : { after: page.after };
      const params = { context, prefix, ...after, limit: page.limit ?? DEFAULT_LIMIT };
      const found = await parts.rpc().call("store.list", params, options);
      return found.map(([key, value]): [string, unknown] => [key, deserialize(value)]);
    },
    async batch(ops) {
      const encoded = ops.map((op) =>
        "set" in op ? { key: op.set, value: new Uint8Array(serialize(op.value)) } : { key: op.delete, value: null },
      );
      await parts.rpc().call("store.batch", { context, ops: encoded }, options);
    },
  };
}
