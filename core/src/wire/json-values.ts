const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;

/** Where to read on in a string that begins at `start`: at its last byte when nothing in it is escaped, which files never are. */
function skipString(json: Buffer, start: number): number {
  const quote = json.indexOf(QUOTE, start + 1);
  return quote === -1 || json[quote - 1] === BACKSLASH ? start : quote - 1;
}

/**
 * True when JSON text holds more values than `most`. Reads no further than it must; text that is no JSON gets some answer, and
 * its parser the last word.
 */
export function hasMoreValues(json: Buffer, most: number): boolean {
  let values = 1;
  let inString = false;
  for (let at = 0; at < json.length && values <= most; at += 1) {
    const byte = json[at];
    if (byte === QUOTE) {
      inString = !inString;
      if (inString) at = skipString(json, at);
    } else if (inString) at += byte === BACKSLASH ? 1 : 0;
    else if (byte === COMMA || byte === OPEN_ARRAY || byte === OPEN_OBJECT) values += 1;
  }
  return values > most;
}
