import type { Undo } from "./clock.ts";

/** Replaces registered secrets wherever text leaves the process: logs, errors, health, `config.get`. */
export interface Redactor {
  /** Registers a secret value in every form it may appear in. The same value may be registered several times. */
  add(secret: string): Undo;
  /** `text` with every registered value replaced by `[redacted]`. */
  text(text: string): string;
}

/** A shorter value would blank out ordinary words; whoever chooses such a secret gains nothing from redaction. */
const MIN_SECRET_CHARS = 4;
/** Base64 of a longer text that contains the secret shows it shifted; a core shorter than this matches by chance. */
const MIN_SHIFTED_CHARS = 8;
const MARK = "[redacted]";

export function createRedactor(): Redactor {
  const uses = new Map<string, number>();
  let pattern: RegExp | undefined;

  const count = (form: string, by: 1 | -1) => {
    const next = (uses.get(form) ?? 0) + by;
    if (next === 0) uses.delete(form);
    else uses.set(form, next);
    pattern = undefined;
  };
  const compile = () => {
    const longestFirst = [...uses.keys()].sort((a, b) => b.length - a.length);
    return new RegExp(longestFirst.map(escapeForRegExp).join("|"), "g");
  };

  return {
    add(secret) {
      const forms = secret.trim().length < MIN_SECRET_CHARS ? [] : formsOf(secret);
      for (const form of forms) count(form, 1);
      let added = true;
      return () => {
        if (!added) return;
        added = false;
        for (const form of forms) count(form, -1);
      };
    },
    text(text) {
      if (uses.size === 0) return text;
      pattern ??= compile();
      return text.replace(pattern, MARK);
    },
  };
}

const escapeForRegExp = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");

/** The value itself, URL-encoded, JSON-escaped, and base64 in both alphabets at each of the three alignments. */
function formsOf(secret: string): string[] {
  const forms = new Set([secret, secret.trim(), encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]);
  forms.add(new URLSearchParams([["", secret]]).toString().slice(1));
  for (const encoded of base64Forms(secret)) {
    forms.add(encoded);
    forms.add(encoded.replaceAll("+", "-").replaceAll("/", "_"));
  }
  return [...forms];
}

/** Three bytes become four characters, so the same bytes look different at each offset; only whole characters are kept. */
function base64Forms(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const whole = bytes.toString("base64").replaceAll("=", "");
  const shifted = [0, 1, 2].map((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString("base64")
      .replaceAll("=", "");
    const firstOwn = Math.ceil((offset * 8) / 6);
    const lastOwn = Math.floor(((offset + bytes.length) * 8) / 6);
    return encoded.slice(firstOwn, lastOwn);
  });
  return [whole, ...shifted.filter((form) => form.length >= MIN_SHIFTED_CHARS)];
}
