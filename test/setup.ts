import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from "vitest";

// A test that prints hides something: whatever the product says is an assertion, not noise.
const methods = ["log", "info", "warn", "error", "debug"] as const;

beforeEach(() => {
  for (const method of methods) vi.spyOn(console, method).mockImplementation(() => {});
});

afterEach(() => {
  for (const method of methods) {
    const spy = vi.mocked(console[method]);
    expect(spy.mock.calls, `console.${method} was called`).toEqual([]);
  }
  vi.restoreAllMocks();
});

/** Handles that a test may open and must close: servers, sockets, children, threads, files being watched. */
const HANDLES = /^(TCPServerWrap|TCPSocketWrap|PipeServerWrap|ProcessWrap|MessagePort|Worker|FSEventWrap|UDPWrap)$/;

/** What may take to be closed by the other side, ms: an aborted socket, a child that was killed. */
const GRACE_MS = 2_000;

const open = () => process.getActiveResourcesInfo().filter((type) => HANDLES.test(type));

let before: readonly string[] = [];

beforeAll(() => {
  before = open();
});

// Registered first and so run last: after the file's own hooks.
afterAll(async () => {
  const deadline = performance.now() + GRACE_MS;
  while (open().length > before.length && performance.now() < deadline) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(open().toSorted(), "handles that the tests of this file left open").toEqual(before.toSorted());
});
