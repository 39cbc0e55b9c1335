import { type Entity, type Marked, type Style, tidy } from "./entities.ts";

/** A text being written, with the formatting that is open at the moment. */
export interface Draft {
  /** Appends; new lines start with the current indentation. */
  write(text: string): void;
  /** Everything `run` writes gets the style. */
  marked(style: Style, run: () => void): void;
  /** New lines inside `run` are indented by `prefix` more. */
  indented(prefix: string, run: () => void): void;
  finish(): Marked;
}

export function createDraft(): Draft {
  let text = "";
  let indent = "";
  const entities: Entity[] = [];
  return {
    write(more) {
      text += indent === "" ? more : more.replaceAll("\n", `\n${indent}`);
    },
    marked(style, run) {
      const [offset, place] = [text.length, entities.length];
      run();
      // Before what `run` marked: outer formatting comes first.
      entities.splice(place, 0, { ...style, offset, length: text.length - offset });
    },
    indented(prefix, run) {
      const before = indent;
      indent += prefix;
      run();
      indent = before;
    },
    finish: () => ({ text, entities: tidy(entities) }),
  };
}
