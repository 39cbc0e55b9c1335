import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { typeName } from "../scripts/definitions.ts";
import { outputs } from "../scripts/outputs.ts";
import { ERROR_CODES, EVENTS, METHODS } from "./index.ts";

const folder = join(import.meta.dirname, "..", "generated");
const read = (name: string) => readFileSync(join(folder, name), "utf8");
const { $defs } = JSON.parse(read("protocol.schema.json")) as { $defs: Record<string, object> };

describe("the generated files", () => {
  it("are those the sources give, twice the same", () => {
    for (const [name, text] of outputs()) {
      expect(read(name) === text, `schemas/generated/${name} is stale: run npm run gen`).toBe(true);
      expect(outputs().get(name) === text).toBe(true);
    }
  });

  it("have params and result of every method", () => {
    for (const name of Object.keys(METHODS).map(typeName)) {
      expect($defs).toHaveProperty(`${name}Params`);
      expect($defs).toHaveProperty(`${name}Result`);
    }
    expect($defs).toHaveProperty("AgentAccepted");
  });

  it("have the payload of every event", () => {
    for (const name of Object.keys(EVENTS)) expect($defs).toHaveProperty(`${typeName(name)}Event`);
  });

  it("list every error code, in the schema and in the table", () => {
    const table = read("protocol.md");
    const codes = ($defs["ErrorCode"] as { oneOf: { const: string }[] }).oneOf.map((entry) => entry.const);
    expect(codes).toEqual(Object.keys(ERROR_CODES));
    for (const code of codes) expect(table).toContain(`| \`${code}\` |`);
  });

  it("are a schema of which every type compiles, with every reference inside it", () => {
    const ajv = new Ajv({ strict: false, validateFormats: false });
    ajv.addSchema(JSON.parse(read("protocol.schema.json")) as object, "protocol");
    for (const name of Object.keys($defs))
      expect(ajv.getSchema(`protocol#/$defs/${name}`), name).toBeTypeOf("function");
  });
});
