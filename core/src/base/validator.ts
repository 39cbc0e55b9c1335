import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { conforms, MAX_UNKNOWN, prune, withoutClosedness } from "./shape.ts";

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
const TOO_OPEN: readonly Issue[] = [
  { path: "", message: `must have at most ${MAX_UNKNOWN} unknown properties a place` },
];

/**
 * A wrong value with more parts than this is told its first fault alone: collecting all of a value with millions takes
 * seconds and gigabytes.
 */
const MANY_PARTS = 10_000;

let thorough: Ajv | undefined;
let brief: Ajv | undefined;

function ajv(allErrors: boolean): Ajv {
  return new Ajv({
    allErrors,
    strict: false,
    validateFormats: false,
    validateSchema: false,
    addUsedSchema: false,
    meta: false,
    logger: false,
  });
}

const compileBrief = (schema: object): ValidateFunction => (brief ??= ajv(false)).compile(schema);
const compileThorough = (schema: object): ValidateFunction => (thorough ??= ajv(true)).compile(schema);

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
  let judge: ValidateFunction | undefined;
  let explain: ValidateFunction | undefined;
  const issuesOf: Check = (value) => {
    if (options.interpretFirst === true && conforms(effective, value)) return NONE;
    judge ??= compileBrief(effective);
    if (judge(value)) return NONE;
    if (hasManyParts(value)) return faultsOf(judge);
    explain ??= compileThorough(effective);
    return explain(value) ? NONE : faultsOf(explain);
  };
  if (!open) return issuesOf;
  return (value) => {
    const issues = issuesOf(value);
    return issues.length > 0 || prune(schema, value) ? issues : TOO_OPEN;
  };
}

const faultsOf = ({ errors }: ValidateFunction): readonly Issue[] => (errors ?? []).slice(0, MAX_ISSUES).map(toIssue);

/** Counts no further than it must: listing the keys of a value with millions takes a second. */
function hasManyParts(value: unknown): boolean {
  const parts: unknown[] = [value];
  for (let at = 0; at < parts.length; at += 1) {
    const part = parts[at];
    if (Array.isArray(part)) {
      if (parts.length + part.length > MANY_PARTS) return true;
      parts.push(...part);
    } else if (typeof part === "object" && part !== null) {
      for (const key in part) if (parts.push(Reflect.get(part, key)) > MANY_PARTS) return true;
    }
  }
  return false;
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
