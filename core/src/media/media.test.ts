import { mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../base/clock.ts";
import { systemIds } from "../base/ids.ts";
import type { Logger } from "../base/log.ts";
import { type Store, openStore } from "../store/db.ts";
import { kindOf, mimeOf } from "./mime.ts";
import { createSpool } from "./spool.ts";
import { type MediaStore, createMediaStore } from "./store.ts";

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };

let dir = "";
let store: Store;
let media: MediaStore;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "media-"));
  store = await openStore({ path: join(dir, "host.db"), log: silent, onFatal: () => {} });
  media = createMediaStore({ dir: join(dir, "media"), store, clock: systemClock, ids: systemIds });
});

afterEach(async () => {
  await store.close();
  await rm(dir, { recursive: true, force: true });
});

async function* chunks(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part as string);
}

const text = async (ref: string) => new Response(await media.open(ref)).text();

/** Node offers the collector to a context that is made while the flag is set. */
function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}

const SPOOL_NAME = "0123456789abcdef0123456789abcdef.put";

describe("the media store", () => {
  it("keeps content once, and gives each owner handles of its own", async () => {
    const first = await media.put(chunks("same ", "bytes"), { owner: "a", mime: "text/plain", name: "n.txt" });
    const again = await media.put(chunks("same bytes"), { owner: "a", mime: "text/plain", name: "n.txt" });
    const other = await media.put(chunks("same bytes"), { owner: "b", mime: "text/plain" });
    expect(first).toEqual({ ref: first.ref, kind: "file", mime: "text/plain", bytes: 10, name: "n.txt" });
    expect(again.ref).toBe(first.ref);
    expect(other.ref).not.toBe(first.ref);
    const [prefix] = await readdir(join(dir, "media"));
    const files = await readdir(join(dir, "media", prefix!));
    expect(files).toHaveLength(1);
    expect((await stat(join(dir, "media", prefix!, files[0]!))).mode & 0o777).toBe(0o600);
    expect(await text(other.ref)).toBe("same bytes");
  });

  it("lets an owner use its own handles only, and grants others one each", async () => {
    const mine = await media.put(chunks("x"), { owner: "a" });
    expect(await media.find(mine.ref, "b")).toBeUndefined();
    const granted = await media.grant(mine.ref, "b");
    expect(granted.ref).not.toBe(mine.ref);
    expect((await media.grant(mine.ref, "b")).ref).toBe(granted.ref);
    expect((await media.grant(granted.ref, "b")).ref).toBe(granted.ref);
    expect(await media.find(granted.ref, "b")).toMatchObject({ bytes: 1 });
    await expect(media.grant("guessed", "b")).rejects.toThrow(/send it again/u);
    await expect(media.open("guessed")).rejects.toThrow(/send it again/u);
  });

  it("refuses what is too large and leaves nothing behind", async () => {
    const put = media.put(chunks("12345", "67890"), { owner: "a", maxBytes: 8 });
    await expect(put).rejects.toThrow("the media is larger than 8 bytes");
    expect(await readdir(join(dir, "media"))).toEqual([]);
  });

  it("streams: the memory does not grow with the size", async () => {
    const chunk = new Uint8Array(256 * 1024);
    async function* many() {
      for (let index = 0; index < 320; index += 1) yield chunk;
    }
    collectGarbage();
    const before = process.memoryUsage().arrayBuffers;
    const ref = await media.put(many(), { owner: "a" });
    let peak = 0;
    let bytes = 0;
    for await (const piece of await media.open(ref.ref)) {
      bytes += piece.length;
      if (bytes % (8 * 1024 * 1024) !== 0) continue;
      collectGarbage();
      peak = Math.max(peak, process.memoryUsage().arrayBuffers - before);
    }
    expect(bytes).toBe(ref.bytes);
    expect(ref.bytes).toBe(80 * 1024 * 1024);
    expect(peak).toBeLessThan(32 * 1024 * 1024);
  });
});

describe("the type of a blob", () => {
  const png = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  it.each<[string, Uint8Array | string, string | undefined, string, string]>([
    ["a PNG says it itself", png, undefined, "image/png", "image"],
    ["a PNG is not what it was called", png, "text/html", "image/png", "image"],
    ["a page does not become an image", "<!doctype html>", "image/png", "application/octet-stream", "file"],
    ["an Opus voice note is Ogg", "OggS\0\0", "audio/ogg; codecs=opus", "audio/ogg", "audio"],
    [
      "a document is a zip of a kind",
      "PK\x03\x04",
      "application/vnd.oasis.opendocument.text",
      "application/vnd.oasis.opendocument.text",
      "file",
    ],
    ["an audio file in an MP4 container", "\0\0\0\x20ftypM4A ", "audio/mp4", "audio/mp4", "audio"],
    ["text has no signature", "hello", "text/plain; charset=utf-8", "text/plain", "file"],
    ["an MP3 may lack its tag", "\xff\xfb", "audio/mpeg", "audio/mpeg", "audio"],
    ["a claim that is no type", "hello", "../../etc", "application/octet-stream", "file"],
  ])("%s", (_title, content, ...types) => {
    const [declared, mime, kind] = types;
    const head = typeof content === "string" ? Buffer.from(content, "latin1") : content;
    expect(mimeOf(head, declared)).toBe(mime);
    expect(kindOf(mimeOf(head, declared))).toBe(kind);
  });
});

describe("the spool", () => {
  it("takes a finished file, lends a copy, and a change of the copy harms nobody", async () => {
    const spool = createSpool({ dir: join(dir, "spool"), media, ids: systemIds });
    await spool.reset();
    await writeFile(join(spool.dir, SPOOL_NAME), "content");
    const ref = await spool.ingest(SPOOL_NAME, { owner: "a", mime: "text/plain" });
    expect(await readdir(spool.dir)).toEqual([]);
    const lent = join(spool.dir, await spool.lend(ref.ref));
    expect(await readFile(lent, "utf8")).toBe("content");
    await writeFile(lent, "changed");
    expect(await text(ref.ref)).toBe("content");
    await spool.remove();
    await expect(stat(spool.dir)).rejects.toThrow(/ENOENT/u);
  });

  it("follows no link and no path out of the folder", async () => {
    const spool = createSpool({ dir: join(dir, "spool"), media, ids: systemIds });
    await spool.reset();
    await symlink(join(dir, "host.db"), join(spool.dir, SPOOL_NAME));
    await expect(spool.ingest(SPOOL_NAME, { owner: "a" })).rejects.toThrow(/ELOOP/u);
    await expect(spool.ingest("../host.db", { owner: "a" })).rejects.toThrow(/not the name of a spool file/u);
    await expect(spool.ingest(SPOOL_NAME.replace("0", "1"), { owner: "a" })).rejects.toThrow(/ENOENT/u);
  });
});
