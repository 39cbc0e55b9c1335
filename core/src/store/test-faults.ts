import { MessageChannel, type MessagePort } from "node:worker_threads";
import type { Fault } from "./writer/faults.ts";

/** A port for `StoreOptions.faults` and the test's way to use it. */
export interface TestFaults {
  readonly port: MessagePort;
  /** Resolves when the fault is in force. */
  inject(fault: Fault): Promise<void>;
}

export function createTestFaults(): TestFaults {
  const { port1, port2 } = new MessageChannel();
  port2.unref();
  return {
    port: port1,
    inject: (fault) =>
      new Promise((resolve) => {
        port2.once("message", () => resolve());
        port2.postMessage(fault);
      }),
  };
}

/** The database may not grow beyond what it has now, or may again. */
export const FULL: Fault = { pragma: "max_page_count = 1" };
export const ROOM: Fault = { pragma: "max_page_count = 1073741823" };
