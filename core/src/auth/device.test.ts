import { generateKeyPairSync, sign } from "node:crypto";
import type { ConnectParams } from "openclaw-host-schemas";
import { describe, expect, it } from "vitest";
import { cliParams, makeDevice, signed } from "./test-device.ts";
import { decodePublicKey, deviceIdOf, normaliseClaim, signedText, verifyDevice } from "./device.ts";
import { canonicalAddress, isLoopbackAddress } from "./addresses.ts";
import { hostnameOf, isLoopbackHostname } from "./local-trust.ts";

const context = { nonce: "n", now: 5, acceptV2: true };
const asConnect = (params: unknown): ConnectParams => params as ConnectParams;

describe("a public key", () => {
  it("is read as base64url, base64 and PEM", () => {
    const device = makeDevice();
    const raw = Buffer.from(device.publicKey, "base64url");
    for (const text of [device.publicKey, raw.toString("base64"), device.pem]) {
      expect(decodePublicKey(text)).toEqual(raw);
    }
    expect(deviceIdOf(raw)).toBe(device.id);
  });

  it("is refused when it is none, or one of another kind", () => {
    for (const text of ["", "%%%", "AAAA", "-----BEGIN PUBLIC KEY-----\nxx\n-----END PUBLIC KEY-----"]) {
      expect(decodePublicKey(text)).toBeUndefined();
    }
    const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const pem = publicKey.export({ type: "spki", format: "pem" });
    const params = asConnect(signed(cliParams(), makeDevice(), { nonce: "n", at: 5 }));
    const device = { ...params.device!, publicKey: pem };
    expect(verifyDevice(params, device, context)).toEqual({ ok: false, fault: "device-public-key" });
  });

  it("of small order signs nothing", () => {
    for (const last of ["00", "80"]) {
      const raw = Buffer.from(`01${"00".repeat(30)}${last}`, "hex");
      const params = asConnect(cliParams());
      // R = identity, S = 0 fits every text under this key.
      const signature = Buffer.concat([Buffer.from(`01${"00".repeat(31)}`, "hex"), Buffer.alloc(32)]).toString(
        "base64url",
      );
      const device = { id: deviceIdOf(raw), publicKey: raw.toString("base64url"), signature, signedAt: 5, nonce: "n" };
      expect(verifyDevice(params, device, context)).toEqual({ ok: false, fault: "device-signature" });
    }
  });
});

describe("the signed text", () => {
  it("has eleven fields in version 3 and nine in version 2", () => {
    const params = asConnect(
      cliParams({
        scopes: ["b", "a"],
        auth: { deviceToken: " t ", password: "never" },
        client: { id: "cli", mode: "cli", version: "1", platform: " Linux ", deviceFamily: "ÄMac" },
      }),
    );
    const device = { id: "d", publicKey: "k", signature: "s", signedAt: 7, nonce: " n " };
    expect(signedText("v3", params, device)).toBe("v3|d|cli|cli|operator|b,a|7| t |n|linux|Ämac");
    expect(signedText("v2", params, device)).toBe("v2|d|cli|cli|operator|b,a|7| t |n");
    expect(normaliseClaim(undefined)).toBe("");
  });
});

describe("loopback", () => {
  it("is told from names and addresses that only look like it", () => {
    for (const name of ["localhost", "LOCALHOST.", "127.0.0.1", "127.1.2.3", "[::1]"])
      expect(isLoopbackHostname(name)).toBe(true);
    for (const name of ["127.evil.com", "127.0.0.1.evil.com", "localhost.evil.com", "0.0.0.0", ""])
      expect(isLoopbackHostname(name)).toBe(false);
    for (const address of ["127.0.0.1", "::1", "::ffff:127.0.0.1"]) expect(isLoopbackAddress(address)).toBe(true);
    for (const address of ["10.0.0.1", "::ffff:10.0.0.1", "fe80::1%lo", ""])
      expect(isLoopbackAddress(address)).toBe(false);
    expect(canonicalAddress("FE80::1%eth0")).toBe("fe80::1");
    expect(canonicalAddress(undefined)).toBe("");
  });

  it("is looked for in the name of a Host header", () => {
    expect(hostnameOf("localhost:18789")).toBe("localhost");
    expect(hostnameOf("[::1]:18789")).toBe("[::1]");
    for (const bad of [undefined, "", "a b", "user@localhost", "localhost/x", "localhost?x"])
      expect(hostnameOf(bad)).toBeUndefined();
  });

  it("may cover a bootstrap code in the place of the token, or nothing there, but never another code", () => {
    const device = makeDevice();
    const params = asConnect(cliParams({ auth: { bootstrapToken: "code" } }));
    const proof = { id: device.id, publicKey: device.publicKey, signature: "", signedAt: 5, nonce: "n" };
    for (const [token, ok] of [
      ["code", true],
      ["", true],
      ["other", false],
    ] as const) {
      const text = signedText("v3", params, { ...proof, token });
      const signature = sign(null, Buffer.from(text), device.privateKey).toString("base64url");
      expect(verifyDevice(params, { ...proof, signature }, context).ok, token).toBe(ok);
    }
  });
});
