import { readFileSync, readdirSync } from "node:fs";

const vectors = new URL("../../../schemas/test-vectors/", import.meta.url);

/** Frames of every published vector, valid and invalid. */
export function recordedFrames(): readonly object[] {
  return ["valid", "invalid"].flatMap((kind) =>
    readdirSync(new URL(`${kind}/`, vectors)).flatMap((name) => {
      const { frame } = JSON.parse(readFileSync(new URL(`${kind}/${name}`, vectors), "utf8")) as { frame?: object };
      return frame === undefined ? [] : [frame];
    }),
  );
}

type Random = () => number;

const HOSTILE: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  1.5,
  2 ** 53,
  1e308,
  "",
  " ",
  "\u0000",
  "\ud800",
  "__proto__",
  "constructor",
  "../../etc/passwd",
  "%2e%2e%2f",
  "agent:main:main",
  "a".repeat(5_000),
  "=".repeat(5_000),
  "!".repeat(5_000),
  "\u{1f511}".repeat(500),
  [],
  {},
  [[[[[[[[[[]]]]]]]]]],
  Array.from({ length: 500 }, () => ({})),
  JSON.parse('{"__proto__":{"polluted":true}}'),
];

const pick = <T>(from: readonly T[], random: Random): T => from[Math.floor(random() * from.length)] as T;

/** A place inside a value: the object and the key. */
function place(value: object, random: Random): readonly [Record<string, unknown>, string] | undefined {
  const places: [Record<string, unknown>, string][] = [];
  const walk = (at: object): void => {
    for (const [key, inner] of Object.entries(at)) {
      places.push([at as Record<string, unknown>, key]);
      if (typeof inner === "object" && inner !== null) walk(inner);
    }
  };
  walk(value);
  return places.length === 0 ? undefined : pick(places, random);
}

function changed(frame: object, frames: readonly object[], random: Random): object {
  const copy = structuredClone(frame);
  const at = place(copy, random);
  if (at === undefined) return copy;
  const [owner, key] = at;
  const kind = Math.floor(random() * 4);
  if (kind === 0) Reflect.deleteProperty(owner, key);
  else if (kind === 1) owner[key] = pick(HOSTILE, random);
  else if (kind === 2) owner[`${key}x`] = owner[key];
  else Object.assign(copy, { params: Reflect.get(pick(frames, random), "params") });
  return copy;
}

function garbled(text: string, random: Random): string {
  const at = Math.floor(random() * text.length);
  const kind = Math.floor(random() * 5);
  if (kind === 0) return text.slice(0, at);
  if (kind === 1) return text.slice(0, at) + String.fromCharCode(Math.floor(random() * 0xffff)) + text.slice(at + 1);
  if (kind === 2) return text + text;
  if (kind === 3) return text.slice(0, at) + text.slice(0, at) + text.slice(at);
  return "[{".repeat(Math.floor(random() * 2_000)) + text;
}

/** The next message: a recorded frame, changed, garbled, or bytes that never were one. The seed repeats them all. */
export function createMutator(frames: readonly object[], random: Random): (id: string) => string | Buffer {
  return (id) => {
    const kind = random();
    if (kind < 0.02)
      return Buffer.from(Array.from({ length: Math.floor(random() * 300) }, () => Math.floor(random() * 256)));
    let frame: object = { ...pick(frames, random), id };
    if (kind < 0.15) return JSON.stringify(frame);
    for (let n = Math.floor(random() * 3); n >= 0; n -= 1) frame = changed(frame, frames, random);
    const text = JSON.stringify(frame);
    return kind < 0.8 ? text : garbled(text, random);
  };
}
