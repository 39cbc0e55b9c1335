import { describe, expect, it } from "vitest";
import { self } from "../../test/host.ts";
import { parsePending } from "./media.ts";
import { decodeUpdate } from "./update.ts";

const ann = { id: 7, is_bot: false, first_name: "Ann", last_name: "Lee", username: "ann" };
const dm = { id: 7, type: "private", first_name: "Ann", last_name: "Lee", username: "ann" };
const group = { id: -100123, type: "supergroup", title: "Cats" };
const channel = { id: -100555, type: "channel", title: "News", username: "news" };

const decode = (content: object) => decodeUpdate({ update_id: 900, ...content }, self);
const message = (fields: object) => ({
  message: { message_id: 5, date: 1_700_000_000, chat: dm, from: ann, ...fields },
});
const inGroup = (fields: object) => message({ chat: group, ...fields });
const entity = (type: string, offset: number, length: number) => ({ type, offset, length });

const head = {
  eventId: "900",
  at: 1_700_000_000_000,
  peer: { kind: "dm", id: "7", label: "Ann Lee" },
  from: { id: "7", name: "Ann Lee", handle: "ann" },
};
const groupHead = { ...head, peer: { kind: "group", id: "-100123", label: "Cats" } };
const text = (value: string, more: object = {}) => ({ text: value, format: "plain", ...more });

const cases: { name: string; update: object; events: object[] }[] = [
  {
    name: "a private message",
    update: message({ text: "hi" }),
    events: [{ ...head, type: "message", messageId: "5", body: text("hi") }],
  },
  {
    name: "a message of somebody without a name",
    update: message({ text: "hi", chat: { id: 7, type: "private" }, from: { id: 7, is_bot: false } }),
    events: [
      { ...head, peer: { kind: "dm", id: "7" }, from: { id: "7" }, type: "message", messageId: "5", body: text("hi") },
    ],
  },
  {
    name: "a group message that is not for the bot",
    update: inGroup({ text: "hi all" }),
    events: [{ ...groupHead, type: "message", messageId: "5", body: text("hi all") }],
  },
  {
    name: "a mention by handle, in any case",
    update: inGroup({ text: "hey @Fake_Bot", entities: [entity("mention", 4, 9)] }),
    events: [
      {
        ...groupHead,
        type: "message",
        messageId: "5",
        body: text("hey @Fake_Bot", { mentions: ["Fake_Bot"] }),
        mentionedMe: true,
      },
    ],
  },
  {
    name: "a mention by id, of a bot or person without a handle",
    update: inGroup({ text: "hey Bot", entities: [{ ...entity("text_mention", 4, 3), user: { id: 4242 } }] }),
    events: [
      {
        ...groupHead,
        type: "message",
        messageId: "5",
        body: text("hey Bot", { mentions: ["4242"] }),
        mentionedMe: true,
      },
    ],
  },
  {
    name: "a mention of somebody else",
    update: inGroup({ text: "hey @bob", entities: [entity("mention", 4, 4)] }),
    events: [{ ...groupHead, type: "message", messageId: "5", body: text("hey @bob", { mentions: ["bob"] }) }],
  },
  {
    name: "a mention after an emoji, whose offset counts UTF-16 units",
    update: inGroup({ text: "👋🏽 @fake_bot", entities: [entity("mention", 5, 9)] }),
    events: [
      {
        ...groupHead,
        type: "message",
        messageId: "5",
        body: text("👋🏽 @fake_bot", { mentions: ["fake_bot"] }),
        mentionedMe: true,
      },
    ],
  },
  {
    name: "a reply to the bot",
    update: inGroup({ text: "yes", reply_to_message: { message_id: 3, from: { id: 4242 } } }),
    events: [{ ...groupHead, type: "message", messageId: "5", body: text("yes"), replyTo: "3", mentionedMe: true }],
  },
  {
    name: "a command for this bot",
    update: inGroup({ text: "/Ask@fake_bot why so", entities: [entity("bot_command", 0, 13)] }),
    events: [
      {
        ...groupHead,
        type: "message",
        messageId: "5",
        body: text("/Ask@fake_bot why so"),
        mentionedMe: true,
        command: { name: "ask", args: "why so" },
      },
    ],
  },
  {
    name: "a command for another bot, which is just a text",
    update: inGroup({ text: "/ask@other why", entities: [entity("bot_command", 0, 10)] }),
    events: [{ ...groupHead, type: "message", messageId: "5", body: text("/ask@other why") }],
  },
  {
    name: "a command in private",
    update: message({ text: "/start", entities: [entity("bot_command", 0, 6)] }),
    events: [{ ...head, type: "message", messageId: "5", body: text("/start"), command: { name: "start", args: "" } }],
  },
  {
    name: "a message in a topic, whose reply to the topic's opening is none",
    update: inGroup({
      text: "hi",
      is_topic_message: true,
      message_thread_id: 44,
      reply_to_message: { message_id: 44, from: { id: 4242 }, forum_topic_created: { name: "t" } },
    }),
    events: [
      { ...groupHead, peer: { ...groupHead.peer, threadId: "44" }, type: "message", messageId: "5", body: text("hi") },
    ],
  },
  {
    name: "a thread id outside topics, which is no topic",
    update: inGroup({ text: "hi", message_thread_id: 44 }),
    events: [{ ...groupHead, type: "message", messageId: "5", body: text("hi") }],
  },
  {
    name: "an anonymous administrator, who writes as the group",
    update: inGroup({ text: "hi", sender_chat: group, from: { id: 1_087_968_824, is_bot: true, first_name: "Group" } }),
    events: [
      { ...groupHead, from: { id: "-100123", name: "Cats" }, type: "message", messageId: "5", body: text("hi") },
    ],
  },
  {
    name: "a post in a channel",
    update: { channel_post: { message_id: 5, date: 1_700_000_000, chat: channel, sender_chat: channel, text: "news" } },
    events: [
      {
        ...head,
        peer: { kind: "channel", id: "-100555", label: "News" },
        from: { id: "-100555", name: "News", handle: "news" },
        type: "message",
        messageId: "5",
        body: text("news"),
      },
    ],
  },
  {
    name: "the bot's own message",
    update: message({ text: "hi", from: { id: 4242, is_bot: true, first_name: "Fake Bot" } }),
    events: [
      {
        ...head,
        from: { id: "4242", name: "Fake Bot", bot: true },
        self: true,
        type: "message",
        messageId: "5",
        body: text("hi"),
      },
    ],
  },
  {
    name: "an edit, dated by the edit",
    update: { edited_message: { ...message({ text: "new", edit_date: 1_700_000_009 }).message } },
    events: [{ ...head, at: 1_700_000_009_000, type: "edit", messageId: "5", body: text("new") }],
  },
  {
    name: "a moving live location, which is no edit",
    update: { edited_message: message({ edit_date: 1_700_000_009, location: { latitude: 1, longitude: 2 } }).message },
    events: [],
  },
  {
    name: "reactions, added and removed, each with its own event id",
    update: {
      message_reaction: {
        chat: group,
        message_id: 5,
        user: ann,
        date: 1_700_000_000,
        old_reaction: [{ type: "emoji", emoji: "👍" }],
        new_reaction: [{ type: "emoji", emoji: "🔥" }],
      },
    },
    events: [
      { ...groupHead, type: "reaction", messageId: "5", emoji: "👍", removed: true },
      { ...groupHead, eventId: "900:1", type: "reaction", messageId: "5", emoji: "🔥" },
    ],
  },
  {
    name: "a group that became a supergroup",
    update: message({ chat: { id: -55, type: "group", title: "Cats" }, migrate_to_chat_id: -10055 }),
    events: [
      {
        ...head,
        peer: { kind: "group", id: "-55", label: "Cats" },
        type: "peerMoved",
        to: { kind: "group", id: "-10055", label: "Cats" },
      },
    ],
  },
  { name: "a service message", update: inGroup({ new_chat_members: [ann] }), events: [] },
  { name: "a change of the bot's own membership", update: { my_chat_member: { chat: group, from: ann } }, events: [] },
  { name: "an update of a kind nobody asked for", update: { poll: { id: "1" } }, events: [] },
  {
    name: "a contact, said in words",
    update: message({ contact: { phone_number: "+123", first_name: "Bob" } }),
    events: [{ ...head, type: "message", messageId: "5", body: text("Bob +123") }],
  },
  {
    name: "a location, said in words",
    update: message({ location: { latitude: 48.2, longitude: 16.3 } }),
    events: [{ ...head, type: "message", messageId: "5", body: text("48.2, 16.3") }],
  },
];

describe("decoding an update", () => {
  it.each(cases)("reads $name", ({ update, events }) => {
    expect(decode(update)).toEqual(events);
  });

  it("clips endless names, which the host would refuse", () => {
    const [event] = decode(message({ text: "x", from: { ...ann, first_name: "a".repeat(5_000) } }));
    expect(event?.from.name?.length).toBe(256);
  });
});

const media: { name: string; fields: object; found: object }[] = [
  {
    name: "the largest size of a photo",
    fields: {
      photo: [
        { file_id: "s", file_size: 1 },
        { file_id: "l", file_size: 99 },
      ],
      caption: "look",
    },
    found: { fileId: "l", kind: "image", mime: "image/jpeg", bytes: 99 },
  },
  {
    name: "a voice message",
    fields: { voice: { file_id: "v", file_size: 3 } },
    found: { fileId: "v", kind: "voice", mime: "audio/ogg", bytes: 3 },
  },
  {
    name: "music",
    fields: { audio: { file_id: "a", mime_type: "audio/mp4", file_name: "x.m4a" } },
    found: { fileId: "a", kind: "audio", mime: "audio/mp4", name: "x.m4a" },
  },
  { name: "a video", fields: { video: { file_id: "v" } }, found: { fileId: "v", kind: "video", mime: "video/mp4" } },
  {
    name: "a round video",
    fields: { video_note: { file_id: "n" } },
    found: { fileId: "n", kind: "video", mime: "video/mp4" },
  },
  {
    name: "an animation, which also looks like a document",
    fields: { animation: { file_id: "g" }, document: { file_id: "g" } },
    found: { fileId: "g", kind: "video", mime: "video/mp4" },
  },
  {
    name: "a document",
    fields: { document: { file_id: "d", mime_type: "application/pdf", file_name: "a.pdf", file_size: 8 } },
    found: { fileId: "d", kind: "file", mime: "application/pdf", name: "a.pdf", bytes: 8 },
  },
  {
    name: "a sticker",
    fields: { sticker: { file_id: "s", is_animated: false, is_video: false, emoji: "😺" } },
    found: { fileId: "s", kind: "sticker", mime: "image/webp" },
  },
];

describe("decoding media", () => {
  it.each(media)("announces $name without fetching it", ({ fields, found }) => {
    const [event] = decode(message(fields));
    if (event?.type !== "message") throw new Error("no message");
    const [announced] = event.body.media ?? [];
    if (announced === undefined || !("pending" in announced)) throw new Error("no pending media");
    const { pending, ...known } = announced;
    expect({ ...parsePending(pending), ...known }).toEqual(found);
  });

  it("keeps caption, its mentions and the album", () => {
    const [event] = decode(
      inGroup({
        photo: [{ file_id: "p" }],
        caption: "@fake_bot look",
        caption_entities: [entity("mention", 0, 9)],
        media_group_id: "g1",
      }),
    );
    expect(event).toMatchObject({ mentionedMe: true, body: { text: "@fake_bot look", group: "g1" } });
  });
});
