import type { File } from "grammy/types";

/** Files of the fake: what people sent and what the bot uploaded. */
export interface FileShelf {
  /** Keeps bytes and returns their file id. */
  add(bytes: Uint8Array, as?: { name?: string }): string;
  describe(fileId: string): File;
  /** Bytes by download path. */
  read(path: string): Uint8Array | undefined;
}

/** Files live as long as the fake. */
export function createFiles(notFound: () => Error): FileShelf {
  const byId = new Map<string, { path: string; bytes: Uint8Array }>();
  return {
    add(bytes, as = {}) {
      const id = `file-${byId.size + 1}`;
      byId.set(id, { path: `documents/${id}/${as.name ?? "file.bin"}`, bytes });
      return id;
    },
    describe(id) {
      const file = byId.get(id);
      if (file === undefined) throw notFound();
      return { file_id: id, file_unique_id: id, file_size: file.bytes.length, file_path: file.path };
    },
    read: (path) => [...byId.values()].find((file) => file.path === path)?.bytes,
  };
}
