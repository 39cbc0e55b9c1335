import type { Inbound } from "openclaw-host-sdk";
import { describe, expect, it } from "vitest";
import { type Access, allowCommand, checkAccess } from "./access.ts";
import { parsePolicy } from "./policy.ts";

type Message = Extract<Inbound, { type: "message" }>;

const dm = (over: Partial<Message> = {}): Inbound => ({
  type: "message",
  eventId: "e1",
  at: 1,
  peer: { kind: "dm", id: "42" },
  from: { id: "42", handle: "Ada" },
  messageId: "m1",
  body: { text: "hi" },
  ...over,
});
const group = (over: Partial<Message> = {}): Inbound => dm({ peer: { kind: "group", id: "-100" }, ...over });
const mentioned = (over: Partial<Message> = {}): Inbound => group({ mentionedMe: true, ...over });
const policy = (config: Record<string, unknown>) => parsePolicy(config, "channels.x.allowFrom");

describe("the access policy", () => {
  it.each<[string, Record<string, unknown>, Inbound, boolean]>([
    ["refuses a private message when nobody is allowed", {}, dm(), false],
    ["allows a sender by id", { allowFrom: ["42"] }, dm(), true],
    ["allows an id that the file has as a number", { allowFrom: [42] }, dm(), true],
    ["allows a sender by handle in any case", { allowFrom: ["@aDA"] }, dm(), true],
    ["does not take an id for a handle", { allowFrom: ["@42"] }, dm(), false],
    ["does not take a bare word for a handle", { allowFrom: ["ada"] }, dm(), false],
    ["allows everybody by *", { allowFrom: ["*"] }, dm(), true],
    ["allows everybody under dmPolicy open", { dmPolicy: "open" }, dm(), true],
    ["reads an unknown dmPolicy as pairing", { dmPolicy: "paring" }, dm(), false],
    ["allows nobody under dmPolicy disabled", { dmPolicy: "disabled", allowFrom: ["*"] }, dm(), false],
    ["allows those on the list under dmPolicy pairing", { dmPolicy: "pairing", allowFrom: ["42"] }, dm(), true],
    ["never goes by a display name", { allowFrom: ["Ada", "@Ada"] }, dm({ from: { id: "7", name: "Ada" } }), false],
    [
      "takes groupAllowFrom for the people of groups",
      { allowFrom: ["7"], groupAllowFrom: ["42"], groups: { "-100": {} } },
      mentioned(),
      true,
    ],
    ["does not take groupAllowFrom for private messages", { groupAllowFrom: ["42"] }, dm(), false],
    ["lets groupAllowFrom narrow open groups", { groupPolicy: "open", groupAllowFrom: ["7"] }, mentioned(), false],
    ["refuses a group that is not listed", { allowFrom: ["42"] }, mentioned(), false],
    ["hears a listed group from an allowed sender", { allowFrom: ["42"], groups: { "-100": {} } }, mentioned(), true],
    ["hears every group under *", { allowFrom: ["42"], groups: { "*": {} } }, mentioned(), true],
    ["does not hear strangers in a listed group", { groups: { "-100": {} } }, mentioned(), false],
    ["takes the group's own senders", { groups: { "-100": { allowFrom: ["@ada"] } } }, mentioned(), true],
    [
      "lets the group's own senders replace the account's",
      { allowFrom: ["42"], groups: { "-100": { allowFrom: ["7"] } } },
      mentioned(),
      false,
    ],
    ["hears everybody in any group under groupPolicy open", { groupPolicy: "open" }, mentioned(), true],
    [
      "hears no group under groupPolicy disabled",
      { groupPolicy: "disabled", allowFrom: ["*"], groups: { "*": {} } },
      mentioned(),
      false,
    ],
    [
      "does not hear a group that is switched off",
      { groupPolicy: "open", groups: { "-100": { enabled: false } } },
      mentioned(),
      false,
    ],
    ["wants a mention by default", { groupPolicy: "open" }, group(), false],
    ["takes a command for a mention", { groupPolicy: "open" }, group({ command: { name: "help", args: "" } }), true],
    [
      "wants no mention where the group says so",
      { groupPolicy: "open", groups: { "-100": { requireMention: false } } },
      group(),
      true,
    ],
    [
      "wants no mention where all groups say so",
      { groupPolicy: "open", groups: { "*": { requireMention: false }, "-100": {} } },
      group(),
      true,
    ],
    ["wants no mention where the account says so", { groupPolicy: "open", requireMention: false }, group(), true],
    [
      "is not fooled by a group id from Object.prototype",
      { allowFrom: ["*"] },
      mentioned({ peer: { kind: "group", id: "constructor" } }),
      false,
    ],
  ])("%s", (...[_name, config, event, allow]) => {
    expect(checkAccess(policy(config), event).allow).toBe(allow);
  });

  it("takes an answer to one of our messages for a mention", () => {
    const open = policy({ groupPolicy: "open" });
    expect(checkAccess(open, group({ replyTo: "9" }), { repliesToUs: true, paired: false }).allow).toBe(true);
    expect(checkAccess(open, group({ replyTo: "9" }), { repliesToUs: false, paired: false }).allow).toBe(false);
  });

  it("hears a sender whose code was approved in private, and in no group", () => {
    const paired = { repliesToUs: false, paired: true };
    expect(checkAccess(policy({}), dm(), paired).allow).toBe(true);
    expect(checkAccess(policy({ groups: { "*": {} } }), mentioned(), paired).allow).toBe(false);
    expect(checkAccess(policy({ dmPolicy: "allowlist" }), dm(), paired).allow).toBe(false);
    expect(checkAccess(policy({ dmPolicy: "disabled" }), dm(), paired).allow).toBe(false);
  });

  it("gives codes to strangers in private, but not to bots, in groups, or under another policy", () => {
    const pairs = (access: Access) => !access.allow && access.pair === true;
    expect(pairs(checkAccess(policy({}), dm()))).toBe(true);
    expect(pairs(checkAccess(policy({}), dm({ from: { id: "42", bot: true } })))).toBe(false);
    expect(pairs(checkAccess(policy({}), mentioned()))).toBe(false);
    expect(pairs(checkAccess(policy({ dmPolicy: "disabled" }), dm()))).toBe(false);
  });

  it("answers a stranger in private with the command that allows exactly this sender", () => {
    const access = checkAccess(policy({ dmPolicy: "allowlist" }), dm());
    expect(access).toMatchObject({
      allow: false,
      reason: expect.stringContaining("sender 42 is not on channels.x.allowFrom"),
    });
    expect(answerOf(access)).toContain(`openclaw config set channels.x.allowFrom '["42"]'`);
  });

  it("answers neither bots nor groups", () => {
    expect(
      answerOf(checkAccess(policy({ dmPolicy: "allowlist" }), dm({ from: { id: "42", bot: true } }))),
    ).toBeUndefined();
    expect(answerOf(checkAccess(policy({}), mentioned()))).toBeUndefined();
  });

  it("does not tell a stranger who else is allowed, and keeps them in the list", () => {
    const answer = answerOf(checkAccess(policy({ dmPolicy: "allowlist", allowFrom: ["owner", "@friend"] }), dm()));
    expect(answer).toContain(`openclaw config set channels.x.allowFrom.2 '"42"'`);
    expect(answer).not.toMatch(/owner\b.*friend|@friend/);
  });

  it("quotes an id so that pasting the command runs nothing else", () => {
    const command = allowCommand({ allowFrom: [], allowFromPath: "channels.x.allowFrom" }, "'; rm -rf ~; '");
    expect(command).toBe(String.raw`openclaw config set channels.x.allowFrom '["'\''; rm -rf ~; '\''"]'`);
  });
});

function answerOf(access: Access): string | undefined {
  return access.allow ? undefined : access.answer;
}
