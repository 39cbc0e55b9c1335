import { describe, expect, it } from "vitest";
import { closeReason, payloadJson, readRequest } from "./codec.ts";
import { createWaitingRoom, type Waiting } from "./waiting-room.ts";

describe("a close reason", () => {
  it("is kept when it fits and cut between characters when not", () => {
    expect(closeReason("slow consumer")).toBe("slow consumer");
    expect(closeReason("a".repeat(200))).toBe("a".repeat(120));
    const cut = closeReason(`${"a".repeat(119)}😀`);
    expect(cut).toBe("a".repeat(119));
    expect(Buffer.byteLength(closeReason("ü".repeat(100)))).toBe(120);
  });
});

describe("a payload", () => {
  it("is serialised once when it is frozen, and every time when it may change", () => {
    const final = Object.freeze({ n: { deep: 1 } });
    expect(payloadJson(final)).toBe('{"n":{"deep":1}}');
    final.n.deep = 2;
    expect(payloadJson(final)).toBe('{"n":{"deep":1}}');
    const open = { n: 1 };
    expect(payloadJson(open)).toBe('{"n":1}');
    open.n = 2;
    expect(payloadJson(open)).toBe('{"n":2}');
    expect(payloadJson(undefined)).toBeUndefined();
    expect(payloadJson(null)).toBe("null");
  });
});

describe("a request frame", () => {
  it("is known by its four keys", () => {
    const frame = { type: "req", id: "1", method: "m", params: {} };
    expect(readRequest(frame, true)).toEqual({ ok: true, frame });
    for (const wrong of [
      { ...frame, id: 1 },
      { ...frame, method: "" },
      { ...frame, type: "res" },
      { ...frame, x: 1 },
    ]) {
      expect(readRequest(wrong, true).ok).toBe(false);
    }
    expect(readRequest({ ...frame, x: 1 }, false).ok).toBe(true);
    for (const nothing of [null, 1, "x", [], undefined])
      expect(readRequest(nothing, false)).toMatchObject({ id: "invalid" });
  });
});

describe("the waiting room", () => {
  const limits = { waitingPerAddress: 2, waitingLoopback: 3, waitingTotal: 5 };
  const guest = (address: string, origin?: string, forwarded = false) => {
    const dropped: string[] = [];
    const waiting: Waiting = {
      peer: { address, origin, forwarded },
      drop: (_code, reason) => void dropped.push(reason),
    };
    return { waiting, dropped };
  };

  it("counts IPv4 in both spellings, an IPv6 /64 as one and web pages apart", () => {
    const room = createWaitingRoom(limits);
    const oldest = guest("192.0.2.1");
    room.enter(oldest.waiting);
    room.enter(guest("::ffff:192.0.2.1").waiting);
    room.enter(guest("192.0.2.1").waiting);
    expect(oldest.dropped).toHaveLength(1);
    const six = guest("2001:db8::1");
    room.enter(six.waiting);
    room.enter(guest("2001:db8:0:0:ffff::2").waiting);
    expect(six.dropped).toHaveLength(0);
    room.enter(guest("2001:db8:0:0::3").waiting);
    expect(six.dropped).toHaveLength(1);
  });

  it("keeps programs of this host apart from pages on it and from strangers behind its proxy", () => {
    const room = createWaitingRoom({ ...limits, waitingTotal: 50 });
    const program = guest("127.0.0.1");
    room.enter(program.waiting);
    for (let more = 0; more < 5; more += 1) {
      room.enter(guest("127.0.0.1", undefined, true).waiting);
      room.enter(guest("127.0.0.1", "http://localhost").waiting);
    }
    expect([program.dropped.length, room.size]).toEqual([0, 5]);
  });

  it("sends the oldest of all away when it is full, and forgets who left", () => {
    const room = createWaitingRoom(limits);
    const first = guest("127.0.0.1");
    const leave = room.enter(guest("127.0.0.1", "http://localhost").waiting);
    room.enter(first.waiting);
    for (const address of ["10.0.0.1", "10.0.0.2", "10.0.0.3"]) room.enter(guest(address).waiting);
    leave();
    leave();
    expect(room.size).toBe(4);
    room.enter(guest("10.0.0.4").waiting);
    expect(first.dropped).toHaveLength(0);
    room.enter(guest("10.0.0.5").waiting);
    expect(first.dropped).toHaveLength(1);
    expect(room.size).toBe(5);
  });
});
