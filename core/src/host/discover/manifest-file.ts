import { open } from "node:fs/promises";
import { join } from "node:path";
import { MANIFEST_FILE, Manifest } from "openclaw-host-schemas";
import { type Check, describeIssues, lazyCheck } from "../../base/validator.ts";
import type { Refusal } from "./refusal.ts";

/** A manifest is short text; a bigger file is something else, bytes. */
const MAX_MANIFEST_BYTES = 262_144;

const check: Check = lazyCheck(Manifest, { interpretFirst: true });

/** The manifest, or why there is none. */
export type ManifestOutcome = { readonly manifest: Manifest } | { readonly refusal: Refusal };

/** The size is asked of the open file, so that it cannot change in between. */
async function readBounded(path: string): Promise<string> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    if (size > MAX_MANIFEST_BYTES) throw new Error(`is larger than ${MAX_MANIFEST_BYTES} bytes`);
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

/** Where in the text the parser stopped. Node names a position only when something unexpected is there, not at the end. */
function place(text: string, error: SyntaxError): string {
  const position = /at position (\d+)/u.exec(error.message)?.[1];
  const before = text.slice(0, position === undefined ? text.length : Number(position)).split("\n");
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

/** Editors on some systems write a byte-order mark, which JSON does not know. */
function parseJson(text: string): { readonly value: unknown } | { readonly refusal: Refusal } {
  try {
    return { value: JSON.parse(text.replace(/^\u{feff}/u, "")) as unknown };
  } catch (error) {
    const where = error instanceof SyntaxError ? place(text, error) : "an unknown place";
    return {
      refusal: { reason: `${MANIFEST_FILE} is not JSON: ${where}`, fix: `correct the file at ${where}` },
    };
  }
}

/** Reads and checks the manifest of a folder. No code of the extension runs. */
export async function readManifest(folder: string): Promise<ManifestOutcome> {
  let text: string;
  try {
    text = await readBounded(join(folder, MANIFEST_FILE));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { refusal: { reason: `${MANIFEST_FILE} cannot be read: ${why}`, fix: "make it a readable file" } };
  }
  const parsed = parseJson(text);
  if ("refusal" in parsed) return parsed;
  const issues = check(parsed.value);
  if (issues.length === 0) return { manifest: parsed.value as Manifest };
  return {
    refusal: {
      reason: `${MANIFEST_FILE} is not valid: ${describeIssues(issues)}`,
      fix: "correct these places, or install another version of the extension",
    },
  };
}
