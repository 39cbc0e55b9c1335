import { invalidPath } from "./issue.ts";
import { type JsonObject, isJsonObject } from "./json-schema.ts";

/** Keys of a dotted path; `\.` is a dot inside a key. Throws for an empty path or key. */
export function parseDotted(path: string): readonly string[] {
  const keys = path.split(/(?<!\\)\./).map((key) => key.replaceAll("\\.", "."));
  if (keys.some((key) => key === "" || key === "__proto__")) throw invalidPath(path);
  return keys;
}

/** The value at a path, undefined when there is none. List elements are addressed by their number. */
export function getAt(root: unknown, keys: readonly string[]): unknown {
  return keys.reduce<unknown>((at, key) => {
    if (Array.isArray(at)) return at[Number(key)];
    return isJsonObject(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  }, root);
}

/** A copy of `root` with `value` at the path; objects on the way are made. `undefined` removes the key. */
export function withValueAt(root: unknown, keys: readonly string[], value: unknown): unknown {
  const [key, ...rest] = keys;
  if (key === undefined) return value;
  if (Array.isArray(root)) {
    const index = Number(key);
    if (!Number.isInteger(index) || index < 0 || index > root.length) throw invalidPath(keys.join("."));
    const replaced = withValueAt(root[index], rest, value);
    return replaced === undefined ? root.toSpliced(index, 1) : root.toSpliced(index, 1, replaced);
  }
  const object: JsonObject = isJsonObject(root) ? root : {};
  const { [key]: old, ...others } = object;
  const replaced = withValueAt(old, rest, value);
  if (replaced === undefined) return others;
  return Object.hasOwn(object, key) ? mapKey(object, key, replaced) : { ...object, [key]: replaced };
}

/** Keeps the order of the keys. */
const mapKey = (object: JsonObject, key: string, value: unknown): JsonObject =>
  Object.fromEntries(Object.entries(object).map(([name, old]) => [name, name === key ? value : old]));
