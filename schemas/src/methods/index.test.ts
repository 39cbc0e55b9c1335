import { describe, expect, expectTypeOf, it } from "vitest";
import {
  type AcceptedOf,
  EVENTS,
  METHODS,
  type MethodName,
  type ParamsOf,
  type PayloadOf,
  type ResultOf,
} from "../index.ts";

describe("the tables of methods and events", () => {
  it("file every descriptor under its own name", () => {
    for (const [name, method] of Object.entries(METHODS)) expect(method.name).toBe(name);
    for (const [name, event] of Object.entries(EVENTS)) expect(event.name).toBe(name);
  });

  it("require an idempotency key where it is stored", () => {
    for (const method of Object.values(METHODS)) {
      const required = (method.params as { required?: string[] }).required ?? [];
      expect(required.includes("idempotencyKey"), method.name).toBe(method.idempotency === "durable");
    }
  });

  it("advertise everything but the two methods the field keeps to itself", () => {
    const hidden = Object.values(METHODS).filter((method) => !method.listed);
    expect(hidden.map((method) => method.name).sort()).toEqual(["chat.inject", "sessions.resolve"]);
  });

  it("let a slow connection miss a chat delta but not the end of a run", () => {
    const droppable = EVENTS.chat.droppable as (payload: { state: string }) => boolean;
    expect(droppable({ state: "delta" })).toBe(true);
    for (const state of ["final", "aborted", "error", "status"]) expect(droppable({ state })).toBe(false);
  });
});

describe("the derived types", () => {
  it("name params, results and first responses", () => {
    expectTypeOf<ParamsOf<"chat.history">>().toEqualTypeOf<{ sessionKey: string; limit?: number }>();
    expectTypeOf<ParamsOf<"health">>().toBeUnknown();
    expectTypeOf<ResultOf<"agents.list">["scope"]>().toEqualTypeOf<"per-sender" | "global">();
    expectTypeOf<ResultOf<"last-heartbeat">>().toExtend<{ ts: number } | null>();
    expectTypeOf<AcceptedOf<"agent">["status"]>().toEqualTypeOf<"accepted" | "in_flight">();
    expectTypeOf<AcceptedOf<"send">>().toBeNever();
  });

  it("name payloads by state", () => {
    type Delta = Extract<PayloadOf<"chat">, { state: "delta" }>;
    expectTypeOf<Delta["deltaText"]>().toBeString();
    expectTypeOf<PayloadOf<"tick">>().toEqualTypeOf<{ ts: number }>();
  });

  it("know every method of the table and no other", () => {
    expectTypeOf<"sessions.subscribe">().toExtend<MethodName>();
    expectTypeOf<"config.set">().not.toExtend<MethodName>();
  });
});
