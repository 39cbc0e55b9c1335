import type { IncomingMessage } from "node:http";
import type { MessageEntity } from "grammy/types";

/** A file that came with a call, by its `attach://` name. */
export interface UploadedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** One request to the fake. */
export interface FakeCall {
  readonly method: string;
  /** Arguments as JSON values, whichever way they were encoded. */
  readonly args: Readonly<Record<string, unknown>>;
  readonly files: ReadonlyMap<string, UploadedFile>;
  /** Epoch ms. */
  readonly at: number;
  /** True once the call took effect, whether or not its answer reached the bot. */
  applied: boolean;
  /** What was answered, or would have been. */
  result?: unknown;
}

/** Reads a call: JSON, or multipart with files. */
export async function readCall(method: string, request: IncomingMessage): Promise<FakeCall> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  const body = Buffer.concat(chunks);
  const type = request.headers["content-type"] ?? "";
  const base = { method, at: Date.now(), applied: false };
  if (!type.startsWith("multipart/")) {
    const args = body.length === 0 ? {} : (JSON.parse(body.toString("utf8")) as FakeCall["args"]);
    return { ...base, args, files: new Map() };
  }
  const form = await new Response(body, { headers: { "content-type": type } }).formData();
  const args: Record<string, unknown> = {};
  const files = new Map<string, UploadedFile>();
  for (const [name, value] of form) {
    if (typeof value === "string") args[name] = parseField(value);
    else files.set(name, { name: value.name, bytes: new Uint8Array(await value.arrayBuffer()) });
  }
  return { ...base, args, files };
}

/** Form fields are text; objects and arrays come as JSON, numbers and booleans as written. */
function parseField(value: string): unknown {
  if (!/^(?:[[{]|-?\d+$|true$|false$)/.test(value)) return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

/** A missing argument counts as 0. */
export const numberArg = (call: FakeCall, name: string): number => Number(call.args[name] ?? 0);

/** A missing argument counts as empty; ids may come as numbers. */
export const textArg = (call: FakeCall, name: string): string => {
  const value = call.args[name];
  if (typeof value === "string") return value;
  return value === undefined ? "" : JSON.stringify(value);
};

export function entitiesArg(value: unknown): MessageEntity[] {
  return Array.isArray(value) ? (value as MessageEntity[]) : [];
}

/** The uploaded file an `attach://` reference names. */
export function fileArg(call: FakeCall, value: unknown): UploadedFile | undefined {
  return typeof value === "string" && value.startsWith("attach://")
    ? call.files.get(value.slice("attach://".length))
    : undefined;
}
