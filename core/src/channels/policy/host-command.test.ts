import type { Inbound } from "openclaw-host-sdk";
import { describe, expect, it } from "vitest";
import { commandInEvent, commandInText } from "./host-command.ts";

const message = (text: string, more: object = {}): Inbound => ({
  type: "message",
  eventId: "e1",
  at: 1,
  peer: { kind: "dm", id: "1" },
  from: { id: "1" },
  messageId: "m1",
  body: { text },
  ...more,
});

describe("commands of the host", () => {
  it.each<[string, string | undefined, string]>([
    ["/new", "new", ""],
    ["  /NEW  ", "new", ""],
    ["/reset and\nthen this ", "reset", "and\nthen this"],
    ["/approve abcd2345", "approve", "abcd2345"],
    ["/help", "help", ""],
    ["/newer", undefined, ""],
    ["/new@other_bot", undefined, ""],
    ["say /new", undefined, ""],
    ["/weather", undefined, ""],
    ["new", undefined, ""],
    ["/constructor", undefined, ""],
    ["", undefined, ""],
  ])("reads %j", (text, name, args) => {
    expect(commandInText(text)).toEqual(name === undefined ? undefined : { name, args });
  });

  it("are read from what the channel says of the message, before its text", () => {
    expect(commandInEvent(message("/new@our_bot now", { command: { name: "New", args: " now " } }))).toEqual({
      name: "new",
      args: "now",
    });
    expect(commandInEvent(message("/stop", { command: { name: "weather", args: "" } }))).toBeUndefined();
  });

  it("are not read from captions and other events", () => {
    const media = [{ pending: "p", kind: "image" }];
    expect(commandInEvent(message("", { body: { text: "/new", media } }))).toBeUndefined();
    expect(commandInEvent(message("/new", { type: "edit" }))).toBeUndefined();
  });
});
