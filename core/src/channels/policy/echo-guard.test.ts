import { describe, expect, it } from "vitest";
import { createFakeClock } from "../../base/fake-clock.ts";
import { ECHO_LIMIT, ECHO_WINDOW_MS, type Exchange, createEchoGuard } from "./echo-guard.ts";

const name = { channel: "x", account: "a" };
const from = (text: string, more: Partial<Exchange> = {}): Exchange => ({
  ...name,
  lane: "x/a/1",
  sender: "bot",
  machine: true,
  text,
  ...more,
});

/** How many of the same exchanges are answered. */
function answered(times: number, round: (index: number) => boolean): number {
  return Array.from({ length: times }, (_, index) => round(index)).filter(Boolean).length;
}

describe("the echo guard", () => {
  it("stops answering a machine that says the same over and over, and names it", () => {
    const guard = createEchoGuard(createFakeClock());
    expect(answered(10, () => guard.hear(from("Out of office")) === undefined)).toBe(ECHO_LIMIT - 1);
    expect(guard.hear(from(" out  of OFFICE "))).toMatch(/echo loop: \d+ identical exchanges with bot within 60 s/);
    expect(guard.silenced(name)).toEqual(["bot"]);
    expect(guard.silenced({ ...name, account: "b" })).toEqual([]);
  });

  it("sees through an echo that grows with every round", () => {
    const guard = createEchoGuard(createFakeClock());
    let text = "hello";
    const rounds = answered(10, () => {
      if (guard.hear(from(text)) !== undefined) return false;
      text = `echo: ${text}`;
      guard.said("x/a/1", text);
      text = `you said ${text}`;
      return true;
    });
    expect(rounds).toBe(ECHO_LIMIT);
  });

  it("hears our own words come back from somebody the platform takes for a person", () => {
    const guard = createEchoGuard(createFakeClock());
    guard.said("x/a/1", "hello there");
    const round = () => guard.hear(from("hello there", { machine: false, sender: "me" })) === undefined;
    expect(answered(10, round)).toBe(ECHO_LIMIT - 1);
  });

  it("knows a long answer by its beginning, though the echo has other blanks and something around it", () => {
    const guard = createEchoGuard(createFakeClock());
    const words = "one  TWO ".repeat(500);
    const round = () => {
      guard.said("x/a/1", words);
      return guard.hear(from(`you said: ${words.replaceAll("  ", " ")} - did you?`)) === undefined;
    };
    expect(answered(10, round)).toBe(ECHO_LIMIT - 1);
  });

  it("never counts what a person says of their own, nor different words of a machine", () => {
    const guard = createEchoGuard(createFakeClock());
    expect(answered(20, () => guard.hear(from("hi", { machine: false })) === undefined)).toBe(20);
    expect(answered(20, (index) => guard.hear(from(`news ${index}`)) === undefined)).toBe(20);
  });

  it("answers again after a minute without the exchange, and keeps conversations apart", async () => {
    const clock = createFakeClock();
    const guard = createEchoGuard(clock);
    answered(10, () => guard.hear(from("ping")) === undefined);
    expect(guard.hear(from("ping", { lane: "x/a/2" }))).toBeUndefined();
    await clock.advance(ECHO_WINDOW_MS);
    expect(guard.silenced(name)).toEqual([]);
    expect(guard.hear(from("ping"))).toBeUndefined();
  });
});
