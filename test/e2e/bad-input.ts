/** A test by the words of its title, as its file has them. */
export interface Proof {
  /** From the root of the repository. */
  readonly file: string;
  readonly title: string;
}

/** Something wrong that comes in, or happens, and what becomes of it. */
export interface BadInput {
  readonly input: string;
  readonly outcome: string;
  /** Tests that show it. A gate fails when one of them is gone. */
  readonly shownBy: readonly [Proof, ...Proof[]];
}

const outbox = "core/src/channels/outbox";
const inbox = "core/src/channels/inbox";

/** Each has a defined outcome, and none loses a message. */
export const BAD_INPUT: readonly BadInput[] = [
  {
    input: "an unknown peer",
    outcome: "inbound: a stranger, stored and told a code once; outbound: dead with the platform's reason",
    shownBy: [
      { file: "test/e2e/telegram.test.ts", title: "telegram:stranger" },
      { file: "extensions/telegram/src/send/send.test.ts", title: "an unknown chat" },
      { file: "core/src/methods/send.test.ts", title: "tells that the platform rejected the message" },
      { file: "core/src/methods/send.test.ts", title: "an empty target" },
    ],
  },
  {
    input: "text over every limit",
    outcome: "outbound: cut into parts, no word lost; inbound: over the contract's limit refused with its place",
    shownBy: [
      {
        file: `${outbox}/render.test.ts`,
        title: "keeps the limit and every word when code blocks are cut, for any text",
      },
      {
        file: `${inbox}/inbox.test.ts`,
        title: "says where a guest's event is not valid, and stores nothing of its batch",
      },
      { file: `${inbox}/inbound-labels.test.ts`, title: "is cut, so that no message stops the intake of an account" },
    ],
  },
  {
    input: "an empty body",
    outcome: "inbound: parked with its reason, its conversation goes on; outbound: refused",
    shownBy: [
      { file: "core/src/channels/turn/turn.test.ts", title: "is parked when it is empty or its account is gone" },
      { file: "core/src/methods/send.test.ts", title: "nothing to send" },
    ],
  },
  {
    input: "broken surrogates",
    outcome: "in texts kept as they came, in and out; in ids refused; mended where the platform refuses them",
    shownBy: [
      {
        file: "test/e2e/bad-input.test.ts",
        title: "come back as they were sent, over the wire and through the database",
      },
      { file: `${inbox}/inbox.test.ts`, title: "keeps a text with broken surrogates as it came" },
      { file: "extensions/telegram/src/render/render.test.ts", title: "mends lone surrogates, which Telegram refuses" },
    ],
  },
  {
    input: "an attachment of 100 MB",
    outcome: "goes through in bounded memory; a larger one is refused with its limit, and the message runs without it",
    shownBy: [
      { file: "core/src/host/large-media.test.ts", title: "goes through guest and gateway in bounded memory" },
      {
        file: "core/src/host/large-media.test.ts",
        title: "is refused with its limit when it is larger, and leaves nothing behind",
      },
      {
        file: "core/src/channels/turn/turn.test.ts",
        title: "names what could not be fetched instead of failing",
      },
    ],
  },
  {
    input: "an extension that answers send twice",
    outcome: "the first answer counts; a receipt that comes late settles the part unless it was sent again since",
    shownBy: [
      {
        file: "core/src/host/line/rpc.test.ts",
        title: "are answered once: a second answer, of whichever kind, changes",
      },
      { file: `${outbox}/outbox-owner.test.ts`, title: "that name the same message twice settle both parts" },
    ],
  },
  {
    input: "an extension that never answers send",
    outcome: "given up at the deadline, the part of unknown fate is parked, the conversation goes on",
    shownBy: [{ file: `${outbox}/outbox.test.ts`, title: "does not wait for a platform that never answers" }],
  },
  {
    input: "a receipt without id",
    outcome: "of unknown fate: the channel is asked, else the part is parked",
    shownBy: [
      {
        file: `${outbox}/outbox-owner.test.ts`,
        title: "without ids leave the part to a channel that can tell, and park it only when that cannot",
      },
    ],
  },
  {
    input: "a clock that jumps a year",
    outcome: "every wait is as long as it was meant, and nothing is thrown away on its word",
    shownBy: [
      {
        file: "core/src/compose/clock-jump.test.ts",
        title: "a clock that jumps a year while a message waits for the next of its burst",
      },
      {
        file: "core/src/compose/clock-jump.test.ts",
        title: "a clock that jumps a year under a code that waits for its approval",
      },
      {
        file: "core/src/compose/clock-jump.test.ts",
        title: "a clock that jumps a year under devices that ask to be paired",
      },
      { file: "core/src/compose/clock-jump.test.ts", title: "a clock that jumps a year under keys of requests" },
      {
        file: "core/src/compose/clock-jump.test.ts",
        title: "a clock that jumps a year under what is kept for some days",
      },
      {
        file: "core/src/compose/clock-jump.test.ts",
        title: "a clock that jumps a year under an account that waits to connect again",
      },
      {
        file: "core/src/compose/clock-jump.test.ts",
        title: "a clock that jumps a year under what is counted within a time",
      },
      { file: `${outbox}/outbox-owner.test.ts`, title: "when the clock jumps by a year" },
    ],
  },
  {
    input: "a database truncated at any byte of the last transaction",
    outcome:
      "opens with every earlier one; a file that itself lost a part is refused with the command that restores it",
    shownBy: [
      { file: "core/src/store/writer/wal.test.ts", title: "at whichever byte of a small one" },
      { file: "core/src/store/writer/wal.test.ts", title: "at whichever byte of a frame's header, or 16th of a page" },
      {
        file: "core/src/store/writer/wal.test.ts",
        title: "is refused with what to do when the file itself lost its end or its beginning, and is left as it is",
      },
    ],
  },
  {
    input: "a swapped bot token under one label",
    outcome: "another identity: nothing of the old one is answered or sent as the new one, and the owner is told",
    shownBy: [
      {
        file: "core/src/channels/accounts/identity.test.ts",
        title: "neither answers nor sends what was meant for the old one, and says what became of it",
      },
    ],
  },
  {
    input: "two labels with one token",
    outcome: "the second is refused by name",
    shownBy: [
      { file: "core/src/channels/accounts/accounts.test.ts", title: "refuse two accounts of one identity by name" },
    ],
  },
  {
    input: "a second gateway on the same state directory",
    outcome: "ends in under 2 s and names the holder",
    shownBy: [{ file: "test/e2e/start.test.ts", title: "start:lock" }],
  },
];
