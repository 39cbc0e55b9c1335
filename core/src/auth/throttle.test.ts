import type { ConnectParams } from "openclaw-host-schemas";
import { describe, expect, it } from "vitest";
import type { Decision } from "./decide.ts";
import type { PeerFacts } from "./local-trust.ts";
import { RATE_LIMIT, createRateLimiter } from "./rate-limit.ts";
import type { UnauthorizedReason } from "./refusal.ts";
import { throttle } from "./throttle.ts";

const peer: PeerFacts = {
  address: "203.0.113.9",
  host: "gateway.example",
  origin: undefined,
  forwarded: false,
  onHost: false,
  hostAllowed: true,
  secure: true,
};

const paramsWith = (auth: NonNullable<ConnectParams["auth"]>): ConnectParams => ({
  minProtocol: 3,
  maxProtocol: 4,
  client: { id: "cli", mode: "cli", version: "1", platform: "linux" },
  auth,
});

const refused = (reason: UnauthorizedReason): Decision => ({
  kind: "refuse",
  refusal: { kind: "unauthorized", reason, canUseDeviceToken: false },
});

function start() {
  const limiter = createRateLimiter({ settings: RATE_LIMIT, now: () => 1_700_000_000_000 });
  const attempt = (auth: NonNullable<ConnectParams["auth"]>, reason: UnauthorizedReason) => {
    const decision = throttle(refused(reason), { params: paramsWith(auth), peer }, { limiter, localTrust: "on" });
    return decision.kind === "refuse" ? decision.refusal.kind : decision.kind;
  };
  return { attempt };
}

describe("wrong credentials", () => {
  it("lock out whoever names a guess at the shared token a device token as well", () => {
    const { attempt } = start();
    const guess = (text: string) => attempt({ token: text, deviceToken: text }, "device_token_mismatch");
    for (let guesses = 0; guesses < RATE_LIMIT.maxAttempts; guesses += 1) {
      expect(guess(`guess ${guesses}`)).toBe("unauthorized");
    }
    expect(guess("one more")).toBe("rate-limited");
    expect(attempt({ token: "plain" }, "token_mismatch")).toBe("rate-limited");
  });

  it("are not counted when a device's own token covers too few scopes", () => {
    const { attempt } = start();
    for (let attempts = 0; attempts < 3 * RATE_LIMIT.maxAttempts; attempts += 1) {
      expect(attempt({ deviceToken: "good" }, "scope_mismatch")).toBe("unauthorized");
    }
  });
});
