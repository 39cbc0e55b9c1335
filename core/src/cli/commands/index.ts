import type { Entry } from "../command.ts";

/** Every command, in the order of the help. Nothing but this table is loaded before a command is chosen. */
export const COMMANDS: readonly Entry[] = [
  {
    command: "gateway",
    describe: "Run the gateway, or call it",
    load: () => import("./gateway.ts"),
    children: [
      { command: "call <method>", describe: "Call any method of the gateway", load: () => import("./gateway-call.ts") },
    ],
  },
  { command: "agent <message>", describe: "Talk to the agent", load: () => import("./agent.ts") },
  { command: "send", describe: "Send a message through a channel", load: () => import("./send.ts") },
  { command: "status", describe: "Show sessions, channels and extensions", load: () => import("./status.ts") },
  { command: "health", describe: "Ask the gateway whether it is well", load: () => import("./health.ts") },
  {
    command: "channels",
    describe: "Set up and watch channels",
    children: [
      { command: "status", describe: "Show every account and its state", load: () => import("./channels-status.ts") },
      { command: "add <channel>", describe: "Configure a channel", load: () => import("./channels-add.ts") },
      { command: "test <channel>", describe: "Send its owner a message", load: () => import("./channels-test.ts") },
    ],
  },
  {
    command: "pairing",
    describe: "Decide on people who wrote to a channel and are not known",
    children: [
      {
        command: "list [channel]",
        describe: "Show who waits and who was let in",
        load: () => import("./pairing-list.ts"),
      },
      { command: "approve <channel> <code>", describe: "Let somebody in", load: () => import("./pairing-approve.ts") },
      { command: "reject <channel> <code>", describe: "Forget a request", load: () => import("./pairing-reject.ts") },
      {
        command: "remove <channel> <sender>",
        describe: "Take an approval back",
        load: () => import("./pairing-remove.ts"),
      },
    ],
  },
  {
    command: "devices",
    describe: "Decide which devices may connect, and what they may do",
    children: [
      { command: "list", describe: "Show what waits and what is paired", load: () => import("./devices-list.ts") },
      { command: "approve <request>", describe: "Let a device in", load: () => import("./devices-approve.ts") },
      { command: "reject <request>", describe: "Forget a request", load: () => import("./devices-reject.ts") },
      { command: "remove <device>", describe: "Forget a device", load: () => import("./devices-remove.ts") },
      { command: "rotate <device>", describe: "Replace a device's token", load: () => import("./devices-rotate.ts") },
      { command: "revoke <device>", describe: "End a device's role", load: () => import("./devices-revoke.ts") },
      {
        command: "link",
        describe: "Make a link and a QR code that pair one device",
        load: () => import("./devices-link.ts"),
      },
    ],
  },
  {
    command: "delivery",
    describe: "Look after messages that leave",
    children: [
      { command: "list", describe: "Show messages, newest first", load: () => import("./delivery-list.ts") },
      { command: "show <id>", describe: "Follow one message", load: () => import("./delivery-show.ts") },
      { command: "retry <id>", describe: "Send again what did not arrive", load: () => import("./delivery-retry.ts") },
      { command: "drop <id>", describe: "Give up what was not sent", load: () => import("./delivery-drop.ts") },
      { command: "stats", describe: "Count messages by state", load: () => import("./delivery-stats.ts") },
    ],
  },
  {
    command: "inbox",
    describe: "Look after messages that came in and were not answered",
    children: [
      {
        command: "list",
        describe: "Show messages that wait for you, newest first",
        load: () => import("./inbox-list.ts"),
      },
      { command: "show <id>", describe: "Show one message", load: () => import("./inbox-show.ts") },
      { command: "retry <id>", describe: "Take a message up again", load: () => import("./inbox-retry.ts") },
      { command: "drop <id>", describe: "Leave a message unanswered", load: () => import("./inbox-drop.ts") },
    ],
  },
  {
    command: "config",
    describe: "Read and change the configuration file",
    children: [
      {
        command: "get [path]",
        describe: "Show the configuration, without secrets",
        load: () => import("./config-get.ts"),
      },
      { command: "set <path> <value>", describe: "Set one key", load: () => import("./config-set.ts") },
      { command: "unset <path>", describe: "Remove one key", load: () => import("./config-unset.ts") },
      { command: "validate", describe: "Report everything wrong with it", load: () => import("./config-validate.ts") },
    ],
  },
  {
    command: "extension",
    describe: "Look at extensions",
    children: [
      {
        command: "list",
        describe: "Show every extension, its state and why",
        load: () => import("./extension-list.ts"),
      },
    ],
  },
  {
    command: "doctor",
    describe: "Find out what is wrong",
    children: [
      {
        command: "connect",
        describe: "Try each step of a connection and name the setting or command that mends it",
        load: () => import("./doctor-connect.ts"),
      },
    ],
  },
  {
    command: "security",
    describe: "Find what makes this gateway easier to attack than it need be",
    children: [
      {
        command: "audit",
        describe: "Look at files, secrets, binds, scopes, policies and devices; the gateway need not run",
        load: () => import("./security-audit.ts"),
      },
    ],
  },
  {
    command: "audit",
    describe: "Read the trail of who was let in, kept out and given rights",
    children: [
      { command: "list", describe: "Show what happened, newest first", load: () => import("./audit-list.ts") },
      {
        command: "verify",
        describe: "Check that nothing in it was changed or removed",
        load: () => import("./audit-verify.ts"),
      },
    ],
  },
  {
    command: "backup",
    describe: "Save everything the gateway keeps, and bring it back",
    children: [
      {
        command: "create",
        describe: "Write a backup, while the gateway runs",
        load: () => import("./backup-create.ts"),
      },
      {
        command: "restore <file>",
        describe: "Put a backup in place of what is there",
        load: () => import("./backup-restore.ts"),
      },
    ],
  },
  { command: "logs", describe: "Show the gateway's log", load: () => import("./logs.ts") },
];
