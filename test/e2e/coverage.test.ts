import { glob, readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { REQUIREMENTS } from "./requirements.ts";

it("every requirement has a test and every test a requirement", async () => {
  const claimed = new Set<string>();
  for await (const file of glob("*.test.ts", { cwd: import.meta.dirname })) {
    const text = await readFile(`${import.meta.dirname}/${file}`, "utf8");
    for (const match of text.matchAll(/\bverifies\(\s*"([^"]+)"/g)) claimed.add(match[1] ?? "");
  }
  expect([...claimed].sort()).toEqual(Object.keys(REQUIREMENTS).sort());
});
