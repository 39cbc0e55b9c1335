import { startGatewayProcess } from "openclaw-host-testing";
import { describe, expect } from "vitest";
import { connectParams, openReady, openSocket } from "./sockets.ts";
import { verifies } from "./verifies.ts";

const connect = (params: object) => ({ type: "req", id: "r1", method: "connect", params });

describe("the wire protocol", () => {
  verifies("wire:hello", async () => {
    await using gateway = await startGatewayProcess();
    await using v3 = await openReady(gateway, { min: 3, max: 3 });
    await using v4 = await openReady(gateway, { min: 3, max: 9 });
    const hello3 = (await v3.response("connect"))["payload"];
    const hello4 = (await v4.response("connect"))["payload"];
    const policy = { maxPayload: 26_214_400, maxBufferedBytes: 52_428_800, tickIntervalMs: 15_000 };
    expect(hello3).toMatchObject({
      type: "hello-ok",
      protocol: 3,
      policy,
      snapshot: { stateVersion: expect.any(Object) },
    });
    expect(hello4).toMatchObject({
      type: "hello-ok",
      protocol: 4,
      policy,
      auth: { role: "operator", scopes: ["operator.admin"] },
    });
    await v3.frame((frame) => frame.event === "health");
    const kinds = v3.frames.map((frame) => frame.event ?? frame.type);
    expect(kinds.slice(0, 3)).toEqual(["connect.challenge", "res", "health"]);
  });

  verifies("wire:bad-input", async () => {
    await using gateway = await startGatewayProcess();
    await using bystander = await openReady(gateway);
    const good = connectParams(gateway.token);
    const cases: [sent: string | object, error: object | undefined, code: number, reason: RegExp][] = [
      ["{not json", undefined, 1000, /^$/],
      [{ hello: 1 }, undefined, 1008, /^invalid request frame$/],
      [
        { type: "req", id: "r1", method: "health" },
        { code: "INVALID_REQUEST", message: "invalid handshake: first request must be connect" },
        1008,
        /^invalid handshake/,
      ],
      [
        connect({ ...good, client: 7 }),
        { code: "INVALID_REQUEST", message: expect.stringMatching(/^invalid connect params: /) },
        1008,
        /^invalid connect params/,
      ],
      [
        connect({ ...good, minProtocol: 1, maxProtocol: 2 }),
        {
          code: "INVALID_REQUEST",
          message: "protocol mismatch",
          details: expect.objectContaining({ expectedProtocol: expect.any(Number) }),
        },
        1002,
        /^protocol mismatch$/,
      ],
      [
        connect({ ...good, role: "king" }),
        { code: "INVALID_REQUEST", message: "invalid role" },
        1008,
        /^invalid role$/,
      ],
      [
        connect({ ...good, auth: { token: "wrong" } }),
        {
          code: "INVALID_REQUEST",
          message: expect.stringContaining("gateway token mismatch"),
          details: expect.objectContaining({ code: "AUTH_TOKEN_MISMATCH" }),
        },
        1008,
        /^unauthorized/,
      ],
      [
        connect({ ...good, auth: undefined }),
        { code: "NOT_PAIRED", message: "device identity required", details: { code: "DEVICE_IDENTITY_REQUIRED" } },
        1008,
        /^device identity required$/,
      ],
      ["x".repeat(70 * 1024), undefined, 1009, /^/],
    ];
    for (const [sent, error, code, reason] of cases) {
      await using socket = await openSocket(gateway.url);
      socket.send(sent);
      const closed = await socket.closed;
      expect(closed.code, JSON.stringify(sent).slice(0, 80)).toBe(code);
      expect(closed.reason).toMatch(reason);
      const response = socket.frames.find((frame) => frame.type === "res");
      if (error === undefined) expect(response).toBeUndefined();
      else expect(response).toMatchObject({ id: "r1", ok: false, error });
    }
    bystander.send({ type: "req", id: "alive", method: "health", params: {} });
    expect(await bystander.response("alive")).toMatchObject({ ok: true });
  });
});
