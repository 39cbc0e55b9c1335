import { glob, readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { CASES, type Case, NUMBERS, readme } from "./cases.ts";

const applicable = Object.entries(CASES).filter(([, known]: [string, Case]) => "happens" in known);

it("every number has a test or a reason why it cannot be tried yet", () => {
  expect(Object.keys(CASES)).toEqual(NUMBERS);
});

it("every case that can be tried has exactly one test, and no test is of another case", async () => {
  const tried: string[] = [];
  for await (const file of glob("*.test.ts", { cwd: import.meta.dirname })) {
    const text = await readFile(`${import.meta.dirname}/${file}`, "utf8");
    for (const match of text.matchAll(/\battack\(\s*"([^"]+)"/gu)) tried.push(match[1] ?? "");
  }
  expect(tried.toSorted()).toEqual(applicable.map(([id]) => id));
});

it("README.md tells what the tests show", async () => {
  expect(await readFile(`${import.meta.dirname}/README.md`, "utf8")).toBe(readme());
});
