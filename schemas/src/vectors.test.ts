import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { describe, expect, it } from "vitest";
import { inlineTypes } from "../scripts/definitions.ts";

interface Vector {
  readonly reason: string;
  readonly schema: string;
  readonly frame: Record<string, unknown>;
  /** Located messages, of which each must be among the errors; only in `invalid/`. */
  readonly issues?: readonly string[];
}

const folder = join(import.meta.dirname, "..", "test-vectors");
const ajv = new Ajv({ allErrors: true, strict: false, validateFormats: false });
const types = inlineTypes();
const compiled = new Map<string, ValidateFunction>();

function load(kind: "valid" | "invalid"): [string, Vector][] {
  return readdirSync(join(folder, kind))
    .sort()
    .map((file) => [file.replace(/\.json$/, ""), JSON.parse(readFileSync(join(folder, kind, file), "utf8")) as Vector]);
}

function validator(name: string): ValidateFunction {
  const schema = types.get(name);
  if (schema === undefined) throw new Error(`no type is called ${name}`);
  const known = compiled.get(name) ?? ajv.compile(schema);
  compiled.set(name, known);
  return known;
}

/** What a vector is about: the frame itself, or what it carries. */
function subject({ schema, frame }: Vector): unknown {
  if (schema.endsWith("Frame")) return frame;
  return frame["type"] === "req" ? frame["params"] : frame["payload"];
}

function located(error: ErrorObject): string {
  const unexpected: unknown = error.params["additionalProperty"];
  const message = typeof unexpected === "string" ? `unexpected property '${unexpected}'` : `${error.message}`;
  if (error.instancePath !== "") return `at ${error.instancePath}: ${message}`;
  return typeof unexpected === "string" ? `at root: ${message}` : message;
}

const frameType = { req: "RequestFrame", res: "ResponseFrame", event: "EventFrame" } as const;

describe("valid frames", () => {
  it.each(load("valid"))("%s is accepted", (_name, vector) => {
    const check = validator(vector.schema);
    check(subject(vector));
    expect(check.errors ?? []).toEqual([]);
    const frame = validator(frameType[vector.frame["type"] as keyof typeof frameType]);
    frame(vector.frame);
    expect(frame.errors ?? []).toEqual([]);
  });
});

describe("invalid frames", () => {
  it.each(load("invalid"))("%s is refused with located messages", (_name, vector) => {
    const check = validator(vector.schema);
    expect(check(subject(vector))).toBe(false);
    const messages = (check.errors ?? []).map(located);
    expect(vector.issues).not.toHaveLength(0);
    expect(messages).toEqual(expect.arrayContaining([...(vector.issues ?? [])]));
  });
});

describe("the set of vectors", () => {
  const all = [...load("valid"), ...load("invalid")];

  it("gives a reason for each", () => {
    expect(all.filter(([, vector]) => vector.reason.length < 10).map(([name]) => name)).toEqual([]);
  });

  it("covers the params of every method that checks them", () => {
    const covered = new Set(all.map(([, vector]) => vector.schema));
    const unchecked = new Set(["HealthParams", "StatusParams", "SystemPresenceParams", "LastHeartbeatParams"]);
    const params = [...types.keys()].filter((name) => name.endsWith("Params") && !unchecked.has(name));
    expect(params.filter((name) => !covered.has(name))).toEqual([]);
  });

  it("covers the payload of every event", () => {
    const covered = new Set(all.map(([, vector]) => vector.schema));
    expect([...types.keys()].filter((name) => /[a-z]Event$/.test(name) && !covered.has(name))).toEqual([]);
  });
});
