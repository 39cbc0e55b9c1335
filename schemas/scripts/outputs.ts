import { ERROR_CODES, EVENTS, type EventDescriptor, METHODS, type MethodDescriptor } from "../src/index.ts";
import { definitions, typeName } from "./definitions.ts";

type Row = readonly string[];

function table(head: Row, rows: readonly Row[]): string {
  const line = (cells: Row) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

const code = (text: string) => `\`${text}\``;
const yes = (value: boolean) => (value ? "yes" : "no");

function methodRow(method: MethodDescriptor): Row {
  return [
    code(method.name),
    method.role,
    method.scope === "none" ? "none" : code(method.scope),
    method.idempotency,
    String(method.since),
    yes(method.listed),
    yes(method.strict),
    code(`${typeName(method.name)}Params`),
    [...(method.accepted === undefined ? [] : ["Accepted"]), "Result"]
      .map((part) => code(`${typeName(method.name)}${part}`))
      .join(", then "),
  ];
}

function eventRow(event: EventDescriptor): Row {
  return [
    code(event.name),
    event.audience.includes(".") ? code(event.audience) : event.audience,
    typeof event.droppable === "boolean" ? yes(event.droppable) : "some",
    yes(event.versioned),
    String(event.since),
    code(`${typeName(event.name)}Event`),
  ];
}

function markdown(): string {
  const methods: readonly MethodDescriptor[] = Object.values(METHODS);
  const events: readonly EventDescriptor[] = Object.values(EVENTS);
  const errors = Object.entries(ERROR_CODES).map(([name, { sentence, retryable }]) => [
    code(name),
    yes(retryable),
    sentence,
  ]);
  return `# Wire protocol: methods, events, error codes

Generated from the descriptors in \`schemas/src\` by \`npm run gen\`; do not edit. The types are in \`protocol.schema.json\`.

## Methods

Scope is what an operator needs. Idempotency \`durable\`: \`idempotencyKey\` is stored with its result. Listed: advertised in
\`features.methods\`. Strict: unknown keys are refused in version 4 too.

${table(["method", "role", "scope", "idempotency", "since", "listed", "strict", "params", "result"], methods.map(methodRow))}

## Events

Audience \`all\` includes devices and, for \`connect.challenge\`, connections that are not authenticated yet. Droppable: a slow
connection may miss it, which shows as a gap in \`seq\`; \`some\`: it depends on the payload.

${table(["event", "audience", "droppable", "stateVersion", "since", "payload"], events.map(eventRow))}

## Error codes

${table(["code", "retryable", "meaning"], errors)}
`;
}

function jsonSchema(): string {
  const root = {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Gateway wire protocol, extension manifest and configuration",
    description: "Generated from schemas/src by npm run gen; do not edit.",
    $defs: definitions(),
  };
  return `${JSON.stringify(root, null, 2)}\n`;
}

/** Every generated file: name inside `schemas/generated/` and text. The same sources give the same text. */
export function outputs(): ReadonlyMap<string, string> {
  return new Map([
    ["protocol.schema.json", jsonSchema()],
    ["protocol.md", markdown()],
  ]);
}
