import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const root = new URL("../..", import.meta.url).pathname;
const FOLDERS = /^(core|sdk|schemas|extensions|examples|test|\.ci)\//;

/** Paths a document names: Markdown links and code spans that begin with a folder of the repository. */
function pathsIn(text: string): string[] {
  const links = [...text.matchAll(/\]\(([^)#\s]+)\)/g)]
    .flatMap((match) => match[1] ?? [])
    .filter((link) => !link.includes(":"));
  const spans = [...text.matchAll(/`([^`\s]+)`/g)]
    .flatMap((match) => match[1] ?? [])
    .filter((span) => FOLDERS.test(span));
  return [...links, ...spans];
}

describe.each(["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"])("%s", (name) => {
  it("names only paths that exist", async () => {
    const paths = pathsIn(await readFile(join(root, name), "utf8"));
    expect(paths.length).toBeGreaterThan(2);
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});

it("the README's two commands are scripts of the workspace", async () => {
  const readme = await readFile(join(root, "README.md"), "utf8");
  const { scripts } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  expect(readme).toContain("npm install && npm start");
  expect(readme).toContain("npm install && npm test");
  expect(scripts.start).toContain("--extensions ./extensions");
  expect(scripts.test).toBeTypeOf("string");
});
