/** One attack: what is tried, and what happens or why it cannot be tried yet. */
export type Case =
  | { readonly tried: string; readonly happens: string }
  | { readonly tried: string; readonly notApplicable: string };

/**
 * The attacks this gateway must hold against, by their numbers in the list that the project works from. A gate fails on a
 * number without a test and without a reason, and on a table in README.md that says anything else.
 */
export const CASES = {
  T01: {
    tried: "methods as the first frame, and right behind a refused connect",
    happens: "closed with 1008, nothing is carried out",
  },
  T02: {
    tried: "an empty, null, array, object, number, blank or 1 MB shared token, and a token in the place of a password",
    happens: "refused; the 1 MB one ends with 1009",
  },
  T03: {
    tried: "secrets of other length, other Unicode form, other bytes, or one character off at either end",
    happens: "refused alike; the comparison is of hashes, in constant time",
  },
  T04: {
    tried: "scopes beyond the recorded ones: by shared token, by device token, unknown ones, without a device",
    happens: "unknown ones are dropped, wider ones need approval, a stranger without a device gets none",
  },
  T05: {
    tried: "shared and device tokens in query, path and fragment of HTTP requests and upgrades",
    happens: "they open nothing and are not logged or echoed",
  },
  T06: {
    tried: "endpoints that only look local (127.evil.com, userinfo, mapped addresses), and a gateway address in params",
    happens: "the client sends its token nowhere in the clear; no method takes an address of a gateway",
  },
  T07: {
    tried: "a signed connect again: on its own socket, on another, after the clock moved, after a restart",
    happens: "nonce mismatch",
  },
  T08: { tried: "signatures from the past, from the future, and with impossible times", happens: "refused" },
  T09: {
    tried: "a version 2 signature of a device that has signed with version 3",
    happens: "refused; a device that only ever used version 2 is still heard",
  },
  T10: {
    tried: "scopes, role, client, platform, family, token, time and signature changed after signing, one at a time",
    happens: "signature invalid",
  },
  T11: {
    tried: "a key that is not the id's, low-order Ed25519 points, an RSA key, S beyond the group's order",
    happens: "refused",
  },
  T12: {
    tried: "another platform or device family on reconnect, in look-alike letters too",
    happens: "must be approved, even on the host itself",
  },
  T13: {
    tried: "connect twice on one socket, with another role and wider scopes, and two at once",
    happens: "the second is refused; rights stay as they were",
  },
  T14: {
    tried:
      "guessing secrets through every spelling of an address, through forwarded headers, with a made-up device token",
    happens: "locked out after ten failures whatever the spelling; the owner on the host still gets in",
  },
  T15: {
    tried: "using a device token after it was rotated, revoked, or its device removed",
    happens: "live sockets close within a second, the token is worthless",
  },
  T16: { tried: "starting with one secret in two places", happens: "refused at start, both places named" },
  T17: {
    tried: "approving, rotating or making a link for more than the caller may do itself",
    happens: "refused on every path",
  },
  T18: { tried: "listing, approving and rejecting other devices' requests without the right to", happens: "refused" },
  T19: {
    tried: "a flood of pairing requests from one address",
    happens: "the table stays bounded; a request that came from the owner's side survives",
  },
  T20: {
    tried: "changing a request between looking at it and approving it",
    happens: "it becomes another request; approving the old one gives only what was shown",
  },
  T21: { tried: "a web page of this host that holds the token pairing by itself", happens: "it must be approved" },
  T22: {
    tried: "a node without a device that calls itself the control UI",
    happens: "refused: it must show a device",
  },
  T23: { tried: "a removed device that comes back with its old token and key", happens: "refused, like a stranger" },
  T24: {
    tried: "killing the gateway between the writing of a new token and its answer",
    happens: "the device gets in again",
  },
  T25: {
    tried: "upgrades with foreign, null, empty and look-alike origins",
    happens: "refused before any secret is looked at; only pages of this host and listed origins get in",
  },
  T26: {
    tried: "DNS rebinding: foreign Host names over HTTP and upgrades",
    happens: "421 for HTTP and for upgrades with an origin; without one the client is not local",
  },
  T27: {
    tried: "forged, malformed, repeated and multi-hop forwarded headers, and a forged proxy user",
    happens: "a client that sends them is never local, and nobody by their word",
  },
  T28: {
    tried: "CORS preflights, and forms and text/plain posted across sites",
    happens: "no permission is answered, nothing is carried out",
  },
  T29: {
    tried: "two lengths, folded headers, bare line feeds, an upgrade behind another request, Expect",
    happens: "one answer or a closed socket; never a second request",
  },
  T30: {
    tried: "framing an answer, sniffing its type, running script in it",
    happens: "every answer, errors included, forbids it",
  },
  T44: {
    tried: "looking for planted secrets in logs, errors, results and the database, in four encodings",
    happens: "found nowhere",
  },
  T45: {
    tried: "line breaks, escape sequences, U+2028 and JSON endings in every name a client says of itself",
    happens: "one log line stays one line and terminals see escapes",
  },
  T46: {
    tried: "logs.tail, config.get, health and status by a device that may only read",
    happens: "refused, or without secrets",
  },
  T47: {
    tried: "umask 000 at start, at backup and at configuration writes; a state directory others may change",
    happens: "files are 0600 and folders 0700; the gateway refuses to start on shared state",
  },
  T48: {
    tried: "the database cut at random bytes, as after a power cut",
    happens: "it opens with whole records or says what is wrong; no record is half there",
  },
  T49: { tried: "secrets in argv and environment of extensions", happens: "none" },
  T50: {
    tried: "64 KiB before and 25 MiB after connect exceeded, in one frame, in fragments of one byte, compressed",
    happens: "1009; compression is never agreed on",
  },
  T51: {
    tried: "headers, bodies, upgrades and frames sent a byte at a time",
    happens: "closed by deadline while others are served",
  },
  T52: {
    tried: "thousands of half-open sockets",
    happens:
      "the oldest make room; authenticated clients are answered, half of them within 50 ms (the p99 is measured by test/load)",
  },
  T53: {
    tried: "a client that does not read",
    happens: "its buffer is bounded, then it is closed; others notice nothing",
  },
  T54: {
    tried: "JSON 100,000 deep, with a million keys, huge numbers, repeated keys, lone surrogates",
    happens: "answered or refused in bounded time; a message of more than 200,000 values ends its connection unread",
  },
  T55: { tried: "__proto__ and constructor.prototype in params and idempotency keys", happens: "nothing is polluted" },
  T56: {
    tried: "texts made to make regular expressions slow, against every pattern of schemas and core",
    happens: "each stays under 50 ms",
  },
  T57: {
    tried: "ever new paths, ids, sessions and keys, to make tables grow in memory",
    happens: "memory stays bounded",
  },
  T60: {
    tried: "one idempotency key again: with another body, by another client, for another method, after a restart",
    happens: "the same answer, or refused; never carried out twice",
  },
  T61: {
    tried: "a response to another node's invocation",
    notApplicable: "no node can be invoked yet: node.invoke and node.invoke.result do not exist",
  },
  T62: {
    tried: "wrong, blank, missing and replayed webhook signatures",
    notApplicable:
      "the port serves no webhooks yet; who may speak in private and in groups is proven by test/e2e/policy.test.ts",
  },
  T63: {
    tried: "reading pairing, delivery, chat and agent events as a node, or as an operator without their scopes",
    happens: "they are sent to nobody who may not read them",
  },
  T64: {
    tried: "setting the clock a year forth and back while clients are connected",
    happens: "no storm of events; nobody is thrown out, new clients get in",
  },
} as const satisfies Record<string, Case>;

export type CaseId = keyof typeof CASES;

const FROM_TO: readonly (readonly [number, number])[] = [
  [1, 30],
  [44, 57],
  [60, 64],
];

/** Every number that must be answered for. */
export const NUMBERS: readonly string[] = FROM_TO.flatMap(([from, to]) =>
  Array.from({ length: to - from + 1 }, (_, at) => `T${String(from + at).padStart(2, "0")}`),
);

/** The page that shows them. */
export function readme(): string {
  const rows = Object.entries(CASES).map(
    ([id, known]: [string, Case]) =>
      `| ${id} | ${known.tried} | ${"happens" in known ? known.happens : `not applicable: ${known.notApplicable}`} |`,
  );
  return `# Attacks

Each is a test of that number against a running gateway over a real socket. This page is made from \`test/security/cases.ts\` by
\`node test/security/readme.ts\`; a test fails when it says anything else.

| case | what is tried | what happens |
| --- | --- | --- |
${rows.join("\n")}
`;
}
