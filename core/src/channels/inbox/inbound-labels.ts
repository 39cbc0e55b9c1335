/** Longest name of a person, a conversation or a file, UTF-16 units. */
export const LABEL_UNITS = 1_024;
/** Longest media type, UTF-16 units (RFC 6838 section 4.2: 127 for each of its two parts). */
export const MIME_UNITS = 255;
/** Most files of one message, and most people it mentions. */
export const MAX_MEDIA = 100;
export const MAX_MENTIONS = 1_000;

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null;

/**
 * The same event with its descriptions cut to length. The sender chooses them, and the platform passes them on as they are:
 * were they a reason to refuse the event, anybody could stop an account's intake with one long file name. Values of another
 * shape stay as they are.
 */
export function withShortLabels(event: unknown): unknown {
  if (!isFields(event)) return event;
  return within(event, {
    peer: (peer) => cut(peer, { label: LABEL_UNITS }),
    to: (peer) => cut(peer, { label: LABEL_UNITS }),
    from: (actor) => cut(actor, { name: LABEL_UNITS, handle: LABEL_UNITS }),
    body: (body) => within(body, { media: shortMedia, mentions: shortMentions }),
  });
}

function shortMedia(media: unknown): unknown {
  if (!Array.isArray(media)) return media;
  return media.slice(0, MAX_MEDIA).map((item) => cut(item, { name: LABEL_UNITS, mime: MIME_UNITS }));
}

function shortMentions(mentions: unknown): unknown {
  if (!Array.isArray(mentions)) return mentions;
  return mentions.slice(0, MAX_MENTIONS).map((mention) => start(mention, LABEL_UNITS));
}

/** A copy with some of its fields changed; a field that is not there stays away. */
function within(value: unknown, change: Readonly<Record<string, (field: unknown) => unknown>>): unknown {
  if (!isFields(value)) return value;
  const changed = Object.entries(change)
    .filter(([key]) => Object.hasOwn(value, key))
    .map(([key, of]) => [key, of(value[key])]);
  return { ...value, ...Object.fromEntries(changed) };
}

/** A copy whose texts have at most so many units. */
const cut = (value: unknown, limits: Readonly<Record<string, number>>): unknown =>
  within(value, Object.fromEntries(Object.entries(limits).map(([key, units]) => [key, (text) => start(text, units)])));

/** The beginning of a text; half a character at its end is taken off too. */
function start(text: unknown, units: number): unknown {
  if (typeof text !== "string" || text.length <= units) return text;
  const begun = text.slice(0, units);
  return /[\ud800-\udbff]$/.test(begun) ? begun.slice(0, -1) : begun;
}
