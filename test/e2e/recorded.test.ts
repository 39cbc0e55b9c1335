import { startGatewayProcess } from "openclaw-host-testing";
import { describe, expect } from "vitest";
import { deviationsOf } from "./recorded/deviations.ts";
import { replay } from "./recorded/replay.ts";
import { verifies } from "./verifies.ts";

/** Version 3 clients drop frames with any other key (wire protocol section 4). */
const FRAME_KEYS = ["error", "event", "id", "ok", "payload", "seq", "stateVersion", "type"];

/** What the reference gateway was set up with, as far as it shows. */
const config = { agents: { defaults: { runtime: "recorded-model", model: "mock/m1" } } };
const extensions = [new URL("recorded/model", import.meta.url).pathname];

describe("what was recorded of the reference gateway", () => {
  verifies("wire:recorded", async () => {
    for (const version of [3, 4] as const) {
      await using gateway = await startGatewayProcess({ config, extensions });
      await gateway.line(({ message }) => message === "loaded");
      const { found, frames } = await replay(version, gateway);
      expect(Object.fromEntries(found)).toEqual(Object.fromEntries(deviationsOf(version)));
      const keys = new Set(frames.flatMap((frame) => Object.keys(frame)));
      expect([...keys].sort()).toEqual(FRAME_KEYS);
    }
  });
});
