import { describe, expect, it } from "vitest";
import { originFault } from "./origin.ts";

const program = { id: "cli", mode: "cli" };
const allowedOrigins = [
  "https://UI.example",
  "https://bücher.example",
  "http://lan.example:80",
  "chrome-extension://abc",
];
const fault = (origin: string | undefined, host = "gw.example", client = program) =>
  originFault({ origin, host } as never, client, { allowedOrigins, allowHostHeader: false });

describe("a page's origin", () => {
  it.each([
    "https://ui.example",
    "HTTPS://UI.EXAMPLE",
    "https://ui.example:443",
    "https://xn--bcher-kva.example",
    "http://lan.example",
    "chrome-extension://abc",
  ])("%s is on the list", (origin) => expect(fault(origin)).toBeUndefined());

  it.each([
    "http://ui.example",
    "https://ui.example:444",
    "https://ui.example.",
    "https://ui.example.evil.example",
    "https://evil.example",
    "http://gw.example",
    "chrome-extension://abd",
  ])("%s is not", (origin) => expect(fault(origin)).toBe("origin not allowed"));

  it.each([
    "null",
    "nonsense",
    "https://ui.example/path",
    "https://ui.example@evil.example",
    "https://ui.example?x",
    "file://",
  ])("%s is none", (origin) => expect(fault(origin)).toBe("origin missing or invalid"));

  it("need not be shown by programs, and must be by clients that are pages", () => {
    expect(fault(undefined)).toBeUndefined();
    for (const client of [
      { id: "openclaw-control-ui", mode: "ui" },
      { id: "webchat-ui", mode: "webchat" },
      { id: "cli", mode: "webchat" },
    ]) {
      expect(fault(undefined, "localhost", client)).toBe("origin missing or invalid");
    }
  });

  it("of loopback may connect to loopback, and to no other name", () => {
    for (const origin of ["http://localhost:5173", "http://127.0.0.1", "http://[::1]:1"]) {
      expect(fault(origin, "localhost:18789")).toBeUndefined();
      expect(fault(origin, "evil.example")).toBe("origin not allowed");
    }
    expect(fault("http://localhost.evil.example", "localhost")).toBe("origin not allowed");
  });
});
