/** Lines kept for the main session; the oldest make room. */
const MAX_QUEUED = 20;

/** News that wait until the agent of the main session looks (wire protocol 5.2, `system-event`). */
export interface SystemEvents {
  push(text: string): void;
  list(): readonly string[];
}

export function createSystemEvents(): SystemEvents {
  let queued: readonly string[] = [];
  return {
    push(text) {
      // The same line twice in a row is one piece of news.
      if (queued.at(-1) !== text) queued = [...queued, text].slice(-MAX_QUEUED);
    },
    list: () => queued,
  };
}
