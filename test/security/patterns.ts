import { glob, readFile } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import * as schemas from "openclaw-host-schemas";

const root = new URL("../..", import.meta.url).pathname;

/** A regular expression of the product and where it stands. */
export interface Pattern {
  readonly where: string;
  readonly source: string;
  readonly flags: string;
}

/** A literal behind a sign that no division follows. Comments and texts may match too; what does not compile is left out. */
const LITERAL =
  /(?:[(,=:[!&|?{};\n]|return|=>)\s*\/(?![/*])((?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+)\/([dgimsuvy]*)/gu;

/** Expressions that only read what the owner wrote on this host. */
const OWN_INPUT: ReadonlyMap<string, string> = new Map([
  ["core/src/config/write.ts", "it reads the configuration file, which is its owner's"],
]);

/** Every regular expression that stands in the sources of schemas, core and sdk, and every `pattern` of a schema. */
export async function patterns(): Promise<readonly Pattern[]> {
  const found: Pattern[] = [];
  for await (const file of glob("{schemas,core,sdk}/src/**/*.ts", { cwd: root })) {
    if (file.endsWith(".test.ts") || OWN_INPUT.has(file)) continue;
    const text = await readFile(`${root}/${file}`, "utf8");
    for (const [, source = "", flags = ""] of text.matchAll(LITERAL)) add(found, { where: file, source, flags });
  }
  walk(schemas, { found, seen: new Set() });
  return [...new Map(found.map((pattern) => [`/${pattern.source}/${pattern.flags}`, pattern])).values()];
}

function add(found: Pattern[], pattern: Pattern): void {
  if (isExpression(pattern)) found.push(pattern);
}

function isExpression({ source, flags }: Pattern): boolean {
  try {
    return new RegExp(source, flags).source !== "";
  } catch {
    return false;
  }
}

interface Walk {
  readonly found: Pattern[];
  readonly seen: Set<unknown>;
}

function walk(value: unknown, { found, seen }: Walk): void {
  if (typeof value !== "object" || value === null || seen.has(value)) return;
  seen.add(value);
  for (const [key, inner] of Object.entries(value)) {
    if (key === "pattern" && typeof inner === "string") add(found, { where: "a schema", source: inner, flags: "u" });
    if (key === "patternProperties" && typeof inner === "object" && inner !== null) {
      for (const source of Object.keys(inner)) add(found, { where: "a schema", source, flags: "u" });
    }
    walk(inner, { found, seen });
  }
}

/** Runs in a thread of its own, so that an expression that never ends is found as well. */
const FUZZER = `
  const { parentPort, workerData } = require("node:worker_threads");
  const { patterns, budgetMs } = workerData;
  const pieces = (source) => {
    const plain = source.replace(/\\\\[pP]\\{[^}]*\\}/g, "a").replace(/\\\\d/g, "0").replace(/\\\\s/g, " ").replace(/\\\\w/g, "a").replace(/\\\\(.)/g, "$1");
    const chars = [...new Set([...plain, ..."aA0 -_./:@\\n\\u0000\\u{1f511}"])];
    const runs = plain.split(/[()[\\]{}|?*+^$]+/).filter((run) => run !== "");
    return [...chars, ...runs];
  };
  const slow = [];
  patterns.forEach(({ where, source, flags }, at) => {
    parentPort.postMessage({ at });
    const expression = new RegExp(source, flags);
    let worst = 0;
    const tails = ["", "!", "\\u0000", "\\n"];
    const all = pieces(source);
    const texts = [];
    for (const piece of all) for (const tail of tails) texts.push(piece.repeat(Math.ceil(20_000 / piece.length)) + tail);
    for (let n = 0; n < 60; n += 1) {
      const a = all[(n * 7) % all.length], b = all[(n * 13 + 5) % all.length], c = all[(n * 3 + 1) % all.length];
      texts.push((a + b).repeat(5_000) + c, a.repeat(5_000) + b.repeat(5_000) + c, a + b.repeat(10_000) + "!");
    }
    for (const text of texts) {
      expression.lastIndex = 0;
      let ms = Infinity;
      // The least of three: a pause of the machine is not the expression's.
      for (let turn = 0; turn < 3 && ms > budgetMs; turn += 1) {
        const began = performance.now();
        if (flags.includes("g")) text.replace(expression, ""); else expression.test(text);
        ms = Math.min(ms, performance.now() - began);
      }
      worst = Math.max(worst, ms);
      if (worst > budgetMs) break;
    }
    if (worst > budgetMs) slow.push({ where, pattern: "/" + source + "/" + flags, ms: Math.round(worst) });
  });
  parentPort.postMessage({ slow });
`;

/** How long one expression may keep the thread in all before it counts as endless, ms. */
const ENDLESS_MS = 20_000;

/** Patterns that some text of 20,000 characters keeps busy longer than the budget, ms. */
export async function slowPatterns(
  budgetMs: number,
): Promise<{ readonly checked: number; readonly slow: readonly unknown[] }> {
  const all = await patterns();
  const worker = new Worker(FUZZER, { eval: true, workerData: { patterns: all, budgetMs } });
  let at = 0;
  let timer: NodeJS.Timeout | undefined;
  const slow = await new Promise<readonly unknown[]>((resolve, reject) => {
    worker.on("error", reject);
    worker.on("message", (message: { at?: number; slow?: unknown[] }) => {
      clearTimeout(timer);
      if (message.slow !== undefined) return resolve(message.slow);
      at = message.at ?? at;
      timer = setTimeout(() => resolve([{ ...all[at], ms: "endless" }]), ENDLESS_MS);
    });
  });
  clearTimeout(timer);
  await worker.terminate();
  return { checked: all.length, slow };
}
