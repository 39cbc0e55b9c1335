/**
 * What crosses between the threads, in the cheaper of two ways: what is small and JSON can carry without loss goes as one text,
 * which takes a third of the time of a structured clone; everything else is cloned.
 */
export interface Packed {
  /** JSON of an array, with `null` in the place of each element that is cloned. */
  readonly text: string;
  /** Those, in order. */
  readonly cloned?: readonly object[];
}

/** UTF-16 units. A large value should not be in memory as a text besides. */
const MOST_WEIGHT: number = 64 * 1024;
const MOST_DEPTH = 32;

/** What a value costs besides its contents. */
export const NODE_WEIGHT = 8;

/** About how many UTF-16 units the value takes as JSON; NaN when it is not small, or JSON would change it. */
export function jsonWeight(value: unknown, depth = 0): number {
  switch (typeof value) {
    case "string":
      return value.length > MOST_WEIGHT ? NaN : NODE_WEIGHT + value.length;
    case "number":
      // JSON has no negative zero.
      return Number.isFinite(value) && !Object.is(value, -0) ? NODE_WEIGHT : NaN;
    case "boolean":
      return NODE_WEIGHT;
    case "object":
      return value === null ? NODE_WEIGHT : objectWeight(value, depth + 1);
    default:
      return NaN;
  }
}

function objectWeight(value: object, depth: number): number {
  if (depth > MOST_DEPTH || !isPlain(value)) return NaN;
  let weight = NODE_WEIGHT;
  // What has a hole has `undefined` there; the names of an object count for nothing.
  for (const inner of Array.isArray(value) ? value : Object.values(value)) {
    weight += jsonWeight(inner, depth);
    // Also for NaN, so that this ends on a cycle.
    if (!(weight <= MOST_WEIGHT)) return NaN;
  }
  return weight;
}

/** Rows of SQLite have no prototype. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || Array.isArray(value);
}

/** `isJson` is what `jsonWeight` told of an element. */
export function pack<T extends object>(elements: readonly T[], isJson: (element: T, at: number) => boolean): Packed {
  const cloned: T[] = [];
  const plain = elements.map((element, at) => {
    if (isJson(element, at)) return element;
    cloned.push(element);
    return null;
  });
  const text = JSON.stringify(plain);
  return cloned.length === 0 ? { text } : { text, cloned };
}

/** The elements as they were packed; whoever packed them answers for their type. */
export function unpack<T extends object>({ text, cloned = [] }: Packed): T[] {
  const elements = JSON.parse(text) as (T | null)[];
  if (cloned.length === 0) return elements as T[];
  let next = 0;
  return elements.map((element) => element ?? (cloned[next++] as T));
}
