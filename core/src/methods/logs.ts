import { tailFile } from "../base/log-tail.ts";
import type { HandlersFor } from "./handler.ts";

/** Defaults of wire protocol section 5.2. */
const LINES = 500;
const BYTES = 250_000;

/** @param parts.file The gateway's JSONL log; its records are redacted before they are written. */
export function logsMethods(parts: { readonly file: string }): HandlersFor<"logs.tail"> {
  return {
    "logs.tail": ({ cursor, limit = LINES, maxBytes = BYTES }) =>
      tailFile(parts.file, { limit, maxBytes, ...(cursor === undefined ? {} : { cursor }) }),
  };
}
