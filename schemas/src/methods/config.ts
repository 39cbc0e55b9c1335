import { Type } from "@sinclair/typebox";
import { defineMethod } from "../descriptor.ts";
import { NoParams, Text } from "../shapes.ts";

/** A located problem of the configuration; `path` is dotted, `""` is the whole file. */
const ConfigIssue = Type.Object({ path: Type.String(), message: Type.String() });

/** The configuration as clients see it (wire protocol 5.8). Secrets read `__OPENCLAW_REDACTED__` everywhere. */
export const configMethods = {
  "config.get": defineMethod({
    name: "config.get",
    params: NoParams,
    /** `hash` is the hex SHA-256 of the raw text; `parsed` is the file, `resolved` and `config` have defaults filled in. */
    result: Type.Object({
      path: Text,
      exists: Type.Boolean(),
      raw: Type.Union([Type.String(), Type.Null()]),
      parsed: Type.Unknown(),
      resolved: Type.Unknown(),
      valid: Type.Boolean(),
      config: Type.Unknown(),
      hash: Type.Optional(Text),
      issues: Type.Array(ConfigIssue),
      warnings: Type.Array(ConfigIssue),
      legacyIssues: Type.Array(ConfigIssue),
    }),
    scope: "operator.read",
    strict: true,
  }),
};
