import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const file = (path: string) => new URL(`../${path}`, import.meta.url);

interface Schema {
  readonly description?: string;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
}

const manifest = async () =>
  JSON.parse(await readFile(file("openclaw.extension.json"), "utf8")) as { config: Record<string, Schema> };

describe("the manifest", () => {
  it("is what the definitions say", async () => {
    const script = file("scripts/manifest.ts").pathname;
    await expect(promisify(execFile)(process.execPath, [script, "--check"])).resolves.toMatchObject({ stderr: "" });
  });

  it("needs a token for an account, not for the channel", async () => {
    const { config } = await manifest();
    expect(config["telegram"]?.required).toBeUndefined();
    expect(config["telegram.account"]?.required).toEqual(["botToken"]);
  });

  it("describes every key with its default, or says that there is none", async () => {
    const { config } = await manifest();
    for (const [key, schema] of Object.entries(config["telegram.account"]?.properties ?? {})) {
      expect(schema.description, key).toMatch(/[Dd]efault/);
    }
  });
});
