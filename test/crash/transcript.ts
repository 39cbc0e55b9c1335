import type { FakeCall, FakeTelegram } from "openclaw-channel-telegram/fake";
import type { AccountName, Platforms } from "./crowd.ts";

/** One message as a platform has it. */
export interface Posted {
  readonly account: AccountName;
  readonly peer: string;
  readonly ids: readonly string[];
  /** In order, with repetitions. */
  readonly marks: readonly string[];
  /** As it reads now, without what formatting took. */
  readonly text: string;
}

const MARK = /\b[mf]\d+\.\d+;/g;

export const marksIn = (text: string): string[] => text.match(MARK) ?? [];

/** A file's mark is behind its picture. */
const marksOfCall = ({ args, files }: FakeCall): string[] => [
  ...marksIn(JSON.stringify(args)),
  ...[...files.values()].flatMap(({ bytes }) => marksIn(Buffer.from(bytes).toString("latin1"))),
];

function idsOf({ result }: FakeCall): string[] {
  const messages = Array.isArray(result) ? result : [result];
  return messages.map((message: { message_id: number }) => String(message.message_id));
}

const POSTS = new Set(["sendMessage", "sendPhoto", "sendMediaGroup", "sendDocument"]);

/** Only texts are edited and deleted here; what became of them is what counts. */
function postsOf(account: AccountName, fake: FakeTelegram): Posted[] {
  const now = new Map(fake.posted().map((message) => [String(message.message_id), message.text]));
  return fake
    .sent()
    .filter(({ method }) => POSTS.has(method))
    .filter((call) => idsOf(call).every((id) => now.has(id)))
    .map((call) => {
      const ids = idsOf(call);
      const text = now.get(ids[0] ?? "") ?? "";
      const marks = call.method === "sendMessage" ? marksIn(text) : marksOfCall(call);
      return { account, peer: String(call.args["chat_id"]), ids, marks, text };
    });
}

/** What the platforms have, account by account in order. */
export const transcriptOf = ({ one, two, relay }: Platforms): Posted[] => [
  ...postsOf("telegram/one", one),
  ...postsOf("telegram/two", two),
  ...relay.posts().map(({ id, to, text }) => ({
    account: "relay/default" as const,
    peer: to,
    ids: [id],
    marks: marksIn(text),
    text,
  })),
];
