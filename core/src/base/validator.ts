import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { conforms, prune, withoutClosedness } from "./shape.ts";

/** One fault of a value. */
export interface Issue {
  /** JSON pointer to the faulty place; `""` is the root. */
  readonly path: string;
  /** What is wrong there, without the place. */
  readonly message: string;
}

/** Tells what is wrong with a value; an empty list means it is valid. */
export type Check = (value: unknown) => readonly Issue[];

export interface CheckOptions {
  /**
   * Unknown keys are deleted from the value (in place) instead of being refused: the way of protocol 4 (wire protocol
   * section 0, "Closedness"). Keys inside unions stay, since they may belong to any branch. Default false.
   */
  readonly removeUnknown?: boolean;
  /**
   * A small interpreter may accept the value, and AJV is compiled only to explain a refusal. For a schema that is needed at
   * once after start: compiling the schema of `connect` takes about 18 ms (2026-11, 2 cores). Default false.
   */
  readonly interpretFirst?: boolean;
}

/** A hostile value can have any number of faults; a reader needs the first few. */
const MAX_ISSUES = 16;
const MAX_MESSAGE_CHARS = 200;
const NONE: readonly Issue[] = [];

let shared: Ajv | undefined;

function ajv(): Ajv {
  shared ??= new Ajv({
    allErrors: true,
    strict: false,
    validateFormats: false,
    validateSchema: false,
    addUsedSchema: false,
    meta: false,
    logger: false,
  });
  return shared;
}

function toIssue(error: ErrorObject): Issue {
  const unexpected: unknown = error.params["additionalProperty"];
  const message =
    typeof unexpected === "string" ? `unexpected property '${unexpected}'` : (error.message ?? "is not valid");
  return { path: error.instancePath, message: message.slice(0, MAX_MESSAGE_CHARS) };
}

/** A check of `schema` (JSON Schema draft-07) whose AJV code is compiled when it is first needed. */
export function lazyCheck(schema: object, options: CheckOptions = {}): Check {
  // `true` in the form of an object: everything is valid.
  if (Object.keys(schema).length === 0) return () => NONE;
  const open = options.removeUnknown === true;
  const effective = open ? withoutClosedness(schema) : schema;
  let compiled: ValidateFunction | undefined;
  const issuesOf: Check = (value) => {
    if (options.interpretFirst === true && conforms(effective, value)) return NONE;
    compiled ??= ajv().compile(effective);
    if (compiled(value)) return NONE;
    return (compiled.errors ?? []).slice(0, MAX_ISSUES).map(toIssue);
  };
  if (!open) return issuesOf;
  return (value) => {
    const issues = issuesOf(value);
    if (issues.length === 0) prune(schema, value);
    return issues;
  };
}

/** One sentence for all issues, in the texts that clients of version 3 know (wire protocol section 2.2). */
export function describeIssues(issues: readonly Issue[]): string {
  if (issues.length === 0) return "unknown validation error";
  return [...new Set(issues.map(describe))].join("; ");
}

function describe(issue: Issue): string {
  if (issue.path !== "") return `at ${issue.path}: ${issue.message}`;
  return issue.message.startsWith("unexpected property") ? `at root: ${issue.message}` : issue.message;
}
