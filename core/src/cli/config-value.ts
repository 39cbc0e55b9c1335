import JSON5 from "json5";

/** A value from the command line: JSON5 where it is any, else the text itself. */
export function parseValue(text: string): unknown {
  try {
    return JSON5.parse(text);
  } catch {
    return text;
  }
}
