import type { User } from "grammy/types";
import type { FakeTelegram } from "openclaw-channel-telegram/fake";
import type { Random } from "./random.ts";
import type { RelayPlatform } from "./relay-platform.ts";

/** The accounts of the matrix, by `channel/account`. */
export type AccountName = "telegram/one" | "telegram/two" | "relay/default";

/** One message of a person. Every word and every file of it carries a mark that is found again in its answer. */
export interface Saying {
  readonly number: number;
  readonly account: AccountName;
  readonly person: string;
  /** Ids of the platform's events: an album has several. */
  readonly eventIds: readonly string[];
  /** `m<number>.<word>` of its text, then `f<number>.<file>` of its files. */
  readonly words: readonly string[];
  readonly files: readonly string[];
}

export interface Platforms {
  readonly one: FakeTelegram;
  readonly two: FakeTelegram;
  readonly relay: RelayPlatform;
}

export interface Crowd {
  readonly said: readonly Saying[];
  say(count: number): void;
  /** The listener, whose answers are written slowly, says something, unless an answer is still to come. */
  ask(): void;
  /** True while the listener waits. */
  waits(): boolean;
}

/** Who is answered by the agent that writes slowly. */
export const LISTENER = { telegram: "600", relay: "listener" } as const;

/** Words of the listener: their answer takes a second and a half. */
const SLOW_WORDS = 8;
/** So many looks at an answer that does not come, then the listener goes on: its message may be parked. */
const PATIENCE = 8;

const PEOPLE = 6;
/** A 1x1 PNG; what follows its end is no part of the picture. */
const PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==",
  "base64",
);
/** So many words, with their marks, fill a text that is answered in two parts on Telegram and in four on the relay. */
const LONG = { telegram: 450, relay: 60 };

const user = (index: number): User => ({ id: 500 + index, is_bot: false, first_name: `Person ${index}` });

const marks = (kind: "m" | "f", number: number, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${kind}${number}.${index};`);

/** People who write short and long texts, photos and albums to all accounts, as the seed has it. */
export function createCrowd(platforms: Platforms, random: Random): Crowd {
  const said: Saying[] = [];
  const sayNext = () => {
    const number = said.length;
    const account = random.pick<AccountName>(["telegram/one", "telegram/two", "relay/default"]);
    const index = random.between(0, PEOPLE - 1);
    if (account === "relay/default") {
      const words = marks("m", number, random.chance(0.2) ? LONG.relay : 1);
      const person = `person-${index}`;
      const eventIds = [platforms.relay.say(person, words.join(" "))];
      said.push({ number, account, person, eventIds, words, files: [] });
      return;
    }
    const fake = account === "telegram/one" ? platforms.one : platforms.two;
    const files = marks("f", number, random.pick([0, 0, 0, 0, 0, 0, 0, 1, 1, 2]));
    const isLong = files.length === 0 && random.chance(0.15);
    const words = marks("m", number, isLong ? LONG.telegram : 1);
    const eventIds = write(fake, user(index), { words, files, number }).map(String);
    said.push({ number, account, person: String(500 + index), eventIds, words, files });
  };
  let asked: { readonly last: string; readonly isTelegram: boolean } | undefined;
  let patience = 0;
  const answered = (mark: string, isTelegram: boolean) =>
    isTelegram
      ? platforms.one.posted().some(({ text }) => text?.includes(mark))
      : platforms.relay.posts().some(({ text }) => text.includes(mark));
  const waits = () => asked !== undefined && patience > 0 && !answered(asked.last, asked.isTelegram);
  return {
    said,
    waits() {
      patience -= 1;
      return waits();
    },
    ask() {
      if (waits()) return;
      const number = said.length;
      const isTelegram = random.chance(0.5);
      const words = marks("m", number, SLOW_WORDS);
      const text = words.join(" ");
      const account = isTelegram ? "telegram/one" : "relay/default";
      const person = isTelegram ? LISTENER.telegram : LISTENER.relay;
      const from = { id: Number(LISTENER.telegram), is_bot: false, first_name: "Listener" };
      const id = isTelegram ? platforms.one.say(text, { from }).updateId : platforms.relay.say(person, text);
      said.push({ number, account, person, eventIds: [String(id)], words, files: [] });
      asked = { last: words.at(-1) ?? "", isTelegram };
      patience = PATIENCE;
    },
    say(count) {
      for (let left = count; left > 0; left -= 1) sayNext();
    },
  };
}

function write(
  fake: FakeTelegram,
  from: User,
  { words, files, number }: Pick<Saying, "words" | "files" | "number">,
): number[] {
  const text = words.join(" ");
  if (files.length === 0) return [fake.say(text, { from }).updateId];
  return files.map((mark, index) => {
    const bytes = Buffer.concat([PIXEL, Buffer.from(mark)]);
    const file_id = fake.files.add(bytes, { name: `${index}.png` });
    const photo = [{ file_id, file_unique_id: file_id, width: 1, height: 1, file_size: bytes.length }];
    const album = files.length === 1 ? {} : { media_group_id: `album-${number}` };
    return fake.say("", { from, message: { photo, ...(index === 0 ? { caption: text } : {}), ...album } }).updateId;
  });
}
