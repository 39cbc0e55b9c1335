/** What the whole gateway must do. A gate fails on an id without a test and on a test without an id. */
export interface Requirement {
  readonly behaviour: string;
  /** Where the demand comes from: a section of the wire protocol, the SDK contract, or a URL. */
  readonly source: string;
}

export const REQUIREMENTS = {
  "start:unconfigured": {
    behaviour: "starts on loopback with a generated token stored 0600 and never printed whole",
    source: "README, First start",
  },
  "start:extensions-explained": {
    behaviour: "says which extensions it found and why each is or is not active",
    source: "README, First start",
  },
  "start:no-channel-library": {
    behaviour: "loads no channel library and starts no guest while no channel is configured",
    source: "ARCHITECTURE, Guests",
  },
  "start:lock": {
    behaviour: "a second gateway on one state directory fails in under 2 s and names the holder's pid",
    source: "ARCHITECTURE, State on disk",
  },
  "start:lock-after-kill": {
    behaviour: "starts again after kill -9 of the holder",
    source: "ARCHITECTURE, State on disk",
  },
  "start:bad-config": {
    behaviour: "refuses wrong configuration with every issue located and its fix",
    source: "ARCHITECTURE, Configuration",
  },
  "start:config-syntax": {
    behaviour: "names line and column of a syntax error",
    source: "ARCHITECTURE, Configuration",
  },
  "start:no-inspector": {
    behaviour: "opens no inspector on SIGUSR1, in gateway or guest",
    source: "ARCHITECTURE, Guests",
  },
  "stop:sigterm": {
    behaviour: "on SIGTERM sends shutdown, closes sockets with 1012 and exits 0 within 5 s",
    source: "wire protocol 1.1",
  },
  "accounts:black-hole": {
    behaviour:
      "a platform that takes connections and answers nothing turns /readyz red within 60 s, and all heals by itself",
    source: "SDK contract, Health is earned",
  },
  "accounts:revoked-token": {
    behaviour: "a token revoked meanwhile pauses its account, says what to do and keeps what is to be sent",
    source: "SDK contract, connect returns one lifetime",
  },
  "stop:hanging-guest": {
    behaviour: "a guest that answers nothing any more delays a stop by less than 5 s, and its message is told of",
    source: "wire protocol 6, shutdown",
  },
  "stop:twice": { behaviour: "a second signal ends the gateway at once", source: "ARCHITECTURE, The end of a gateway" },
  "restart:graceful": {
    behaviour: "SIGUSR2 announces when the gateway is back, lets clients go and starts it again on its port",
    source: "wire protocol 5.8 and 6, shutdown",
  },
  "restart:bad-config": {
    behaviour: "a configuration that would not start refuses the restart and leaves the gateway running",
    source: "ARCHITECTURE, The end of a gateway",
  },
  "stop:dead-platform": {
    behaviour: "a dead or lying platform blocks neither start nor shutdown",
    source: "SDK contract, deadlines",
  },
  "wire:hello": { behaviour: "answers connect with hello-ok for protocol 3 and 4", source: "wire protocol 3, 11.3" },
  "wire:bad-input": {
    behaviour: "answers every kind of bad frame exactly and disturbs no other client",
    source: "wire protocol 2.6",
  },
  "wire:invalid-vectors": {
    behaviour: "answers every published invalid vector with its located issues, and takes every valid one",
    source: "wire protocol 2.2, 2.6, 4",
  },
  "wire:recorded": {
    behaviour:
      "answers what was recorded of the reference gateway alike, in both versions, but for the listed deviations",
    source: "wire protocol 2-6, 11",
  },
  "wire:official-client-v4": {
    behaviour: "the official client library connects with protocol 4, calls health and agent to the final answer",
    source: "wire protocol 12",
  },
  "wire:official-client-v3": {
    behaviour: "the official client library forced to protocol 3 connects, calls health and agent to the final answer",
    source: "wire protocol 12",
  },
  "devices:pairing": {
    behaviour: "asks operators about a new device once for each thing it wants, and grants exactly what was shown",
    source: "wire protocol 5.6, 8.2",
  },
  "devices:ownership": {
    behaviour: "lets nobody approve, see, change or give away more than they hold themselves",
    source: "https://github.com/advisories/GHSA-xrq9-jm7v-g9h7",
  },
  "devices:rotation": {
    behaviour: "lets the old token of a device work until its new one was used, and not at all with --now",
    source: "wire protocol 0, Device tokens",
  },
  "devices:revocation": {
    behaviour: "closes a removed or revoked device's connections within a second and never takes its token again",
    source: "wire protocol 0, Revocation",
  },
  "devices:own-answer": {
    behaviour: "answers a device that revokes itself before it closes the connection",
    source: "wire protocol 5.6",
  },
  "devices:link": {
    behaviour: "pairs one device by a link, with exactly the link's role and scopes, pages of allowed origins included",
    source: "wire protocol 0, Auth proof",
  },
  "devices:repair-blocks-nothing": {
    behaviour: "meets several reasons one after the other, and a repair that waits blocks no other approval",
    source: "wire protocol 0, Pairing trap in 8.2",
  },
  "devices:nodes": {
    behaviour: "keeps the node records of version 3 clients",
    source: "wire protocol 5.5",
  },
  "devices:cli": {
    behaviour: "lets the owner manage devices from the command line, which says what to do next",
    source: "issue 4, item 9",
  },
  "devices:way-back": {
    behaviour: "lets the owner in from the gateway's own host when every device is gone and nothing local is trusted",
    source: "issue 4, Shown by",
  },
  "agent:two-phase": { behaviour: "answers agent twice: accepted, then the final result", source: "wire protocol 4.2" },
  "agent:live": {
    behaviour: "an observer sees agent and chat events of a run live and in order",
    source: "wire protocol 4.3, 4.4",
  },
  "agent:idempotent": {
    behaviour: "the same key gives one run, also after a restart; another body is refused",
    source: "wire protocol 0, Idempotency",
  },
  "chat:history": {
    behaviour: "chat.send streams, ends and is in chat.history after a restart",
    source: "wire protocol 5.3",
  },
  "telegram:process": {
    behaviour: "a Telegram message is answered with the extension in a process",
    source: "SDK contract",
  },
  "telegram:inline": { behaviour: "a Telegram message is answered with the extension inline", source: "SDK contract" },
  "telegram:referee": {
    behaviour: "an independent Telegram server records our answer",
    source: "https://www.npmjs.com/package/@openclaw/crabline",
  },
  "telegram:offline-messages": {
    behaviour: "messages sent while the gateway was down are answered, once each",
    source: "SDK contract, receive",
  },
  "telegram:crash": {
    behaviour:
      "killed at random moments, every message is one turn and is answered once, but for sends the outbox lists as unknown",
    source: "ARCHITECTURE, An inbound message",
  },
  "crash:matrix": {
    behaviour:
      "killed 60 times with three accounts and chat clients, it loses and doubles nothing, and unknown are exactly the sends that a kill cut off",
    source: "ARCHITECTURE, The life of a message",
  },
  "telegram:media": {
    behaviour: "a photo and an album come in and go out through the media doors",
    source: "SDK contract, media",
  },
  "telegram:send": {
    behaviour: "send delivers to a chat and returns the platform's message id",
    source: "wire protocol 5.3",
  },
  "telegram:stranger": {
    behaviour: "a DM without a match is stored, not run, and answered once with how the owner allows it",
    source: "ARCHITECTURE, Policy",
  },
  "policy:commands": {
    behaviour: "the host answers /new, /stop, /status, /help and an owner's /approve itself, in chats of every kind",
    source: "ARCHITECTURE, Policy",
  },
  "policy:sessions": {
    behaviour:
      "bindings choose the agent, conversations have sessions of their own, owners share main, bursts are one turn",
    source: "ARCHITECTURE, Policy",
  },
  "policy:pairing": {
    behaviour: "a stranger gets a code, is not run, and is answered once the owner approved the code",
    source: "wire protocol 8.3",
  },
  "streaming:process": {
    behaviour: "an answer that takes its time is one message that grows, and one delivery",
    source: "SDK contract, Streaming replies",
  },
  "streaming:inline": {
    behaviour: "an answer grows the same with the extension inline",
    source: "SDK contract, Streaming replies",
  },
  "streaming:off": { behaviour: "an answer comes complete where its owner wants that", source: "ARCHITECTURE, Send" },
  "streaming:lost-edits": {
    behaviour: "edits whose answers get lost or that fail neither double an answer nor leave it half",
    source: "SDK contract, Streaming replies",
  },
  "streaming:crash-mid-stream": {
    behaviour: "an answer that kill -9 cut short is gone on with in the same message",
    source: "SDK contract, Streaming replies",
  },
  "streaming:crash-while-opening": {
    behaviour: "kill -9 while a draft is posted leaves one parked entry, and the answer comes by itself",
    source: "SDK contract, Streaming replies",
  },
  "streaming:graceful-stop": {
    behaviour: "an answer that a stop cut short is gone on with in the same message",
    source: "ARCHITECTURE, Send",
  },
  "streaming:referee": {
    behaviour: "an answer grows on an independent Bot API server, too",
    source: "https://www.npmjs.com/package/@openclaw/crabline",
  },
  "telegram:faults": {
    behaviour: "conflict, wrong token, server errors, resets and hangs are supervised states that heal",
    source: "SDK contract, connect",
  },
  "disk:full": {
    behaviour:
      "on a full disk nothing is taken, sent or forgotten, health and /readyz say why, and all goes on by itself with room",
    source: "ARCHITECTURE, State on disk",
  },
  "disk:start": {
    behaviour:
      "on a disk without room it starts, says so and takes nothing until there is; on one it cannot write or map it refuses with what to do",
    source: "ARCHITECTURE, State on disk",
  },
  "disk:shared": {
    behaviour: "refuses a state directory that other users may change, with the command that mends it",
    source: "ARCHITECTURE, State on disk",
  },
  "backup:round-trip": {
    behaviour: "a backup of a running gateway is restored once that has stopped, and never while it runs",
    source: "ARCHITECTURE, State on disk",
  },
  "delivery:unknown-parked": {
    behaviour:
      "a message that may or may not have arrived is parked and reported in log, status, health and events with the command that resends it, and the conversation goes on",
    source: "SDK contract, send",
  },
  "delivery:retry": {
    behaviour: "the owner sends a parked message again, or gives it up, with one command",
    source: "ARCHITECTURE, The ledger",
  },
  "delivery:resend": {
    behaviour: "with onUnknown: resend a message that may or may not have arrived is sent again by itself",
    source: "SDK contract, send",
  },
  "delivery:followed": {
    behaviour: "a message is followed from the platform's event over run and delivery to the platform's receipt",
    source: "ARCHITECTURE, The ledger",
  },
  "host:broken-extensions": {
    behaviour:
      "a broken, throwing, mismatching or colliding extension is reported with its reason and harms nothing else",
    source: "ARCHITECTURE, Extension lifecycle",
  },
  "cli:agent": {
    behaviour: 'openclaw agent "hello" prints the answer without any flag',
    source: "README, First start",
  },
  "cli:channel-setup": {
    behaviour: "channels add, config and extension commands work on the gateway's own host without flags",
    source: "README, Telegram",
  },
} as const satisfies Record<string, Requirement>;

export type RequirementId = keyof typeof REQUIREMENTS;
