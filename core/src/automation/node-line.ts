/** What a `Node:` line says of a host. `lastInputSeconds` counts from the last key press or touch. */
export interface NodeLine {
  readonly host?: string;
  readonly ip?: string;
  readonly version?: string;
  readonly lastInputSeconds?: number;
  readonly mode?: string;
  readonly reason?: string;
}

const HEAD = /^Node:\s*(?<host>[^()]*?)\s*(?:\((?<ip>[^()]*)\))?\s*$/;

/**
 * Reads `Node: HOST (IP) · app V · last input Ns ago · mode M · reason R`, of which every part after the host is optional
 * (wire protocol 5.2). Undefined for any other text.
 */
export function parseNodeLine(text: string): NodeLine | undefined {
  const [head = "", ...facts] = text.split("·").map((part) => part.trim());
  const groups = HEAD.exec(head)?.groups;
  if (groups === undefined) return undefined;
  const line: Record<string, string | number> = {};
  if (groups["host"]) line["host"] = groups["host"];
  if (groups["ip"]) line["ip"] = groups["ip"];
  for (const fact of facts) Object.assign(line, parseFact(fact));
  return line;
}

function parseFact(fact: string): NodeLine {
  const input = /^last input (\d+)s ago$/.exec(fact)?.[1];
  if (input !== undefined) return { lastInputSeconds: Number(input) };
  const [, name, value] = /^(app|mode|reason) (.+)$/.exec(fact) ?? [];
  if (name === undefined || value === undefined) return {};
  return name === "app" ? { version: value } : { [name]: value };
}

/** The line for people, built from the parts that are known. */
export function formatNodeLine(line: NodeLine): string {
  const host = line.host ?? "unknown";
  return [
    `Node: ${line.ip === undefined ? host : `${host} (${line.ip})`}`,
    ...(line.version === undefined ? [] : [`app ${line.version}`]),
    ...(line.lastInputSeconds === undefined ? [] : [`last input ${line.lastInputSeconds}s ago`]),
    ...(line.mode === undefined ? [] : [`mode ${line.mode}`]),
    ...(line.reason === undefined ? [] : [`reason ${line.reason}`]),
  ].join(" · ");
}
