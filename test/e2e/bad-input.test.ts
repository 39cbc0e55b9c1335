import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { startGatewayProcess } from "openclaw-host-testing";
import { describe, expect, it } from "vitest";
import { BAD_INPUT } from "./bad-input.ts";

const root = new URL("../../", import.meta.url);

describe("what is known of bad input", () => {
  it.each(BAD_INPUT.map((entry) => [entry.input, entry] as const))(
    "%s: is shown by its tests",
    async (_input, entry) => {
      for (const { file, title } of entry.shownBy) {
        const text = await readFile(new URL(file, root), "utf8");
        expect(text, `${file} has lost the test of "${entry.input}"`).toContain(title);
      }
    },
  );
});

describe("broken surrogates", () => {
  it("come back as they were sent, over the wire and through the database", async () => {
    const broken = "a\ud800b \udc00 c\ud83d";
    await using gateway = await startGatewayProcess();
    const client = await gateway.client();
    const asked = { message: broken, sessionKey: "main", idempotencyKey: randomUUID() };
    await client.call("agent", asked, { expectFinal: true });
    const texts = async () =>
      (await client.call("chat.history", { sessionKey: "main" })).messages.map(({ content }) =>
        typeof content === "string" ? content : JSON.stringify(content),
      );
    const stored = (await texts()).map(
      (text) => text.includes(broken) || text.includes(JSON.stringify(broken).slice(1, -1)),
    );
    expect(stored).toEqual([true, true]);
    const again = await client.call("agent", asked, { expectFinal: true });
    expect(again).toMatchObject({ status: "ok" });
    expect(await texts()).toHaveLength(2);
  });
});
