import * as fc from "fast-check";
import { OWNER_SCOPES, scopesCover } from "openclaw-host-schemas";
import { afterAll, describe, expect, it } from "vitest";
import { createFakeClock } from "../base/fake-clock.ts";
import { isWireError } from "../base/wire-error.ts";
import { LINK_TTL_MS, type Role } from "../store/tables/device-record.ts";
import type { Verdict } from "./authenticator.ts";
import { HELPER, type Fate, type HousePolicy, PairingHouse, SECRET, SERVER_KEY } from "./pairing-house.ts";
import { PairingOracle, within } from "./pairing-oracle.ts";
import { makeDevice } from "./test-device.ts";
import { ownerCode } from "./tokens.ts";

/** The same histories at every run; a failure prints the shortest that fails. For a longer search: `MODEL_RUNS`, `MODEL_SEED`. */
const SEED = Number(process.env["MODEL_SEED"] ?? 20_261_122);
const RUNS = Number(process.env["MODEL_RUNS"] ?? 1_000);
const MAX_STEPS = 30;

/** Few, so that what is done to one often meets again. */
const DEVICES = [makeDevice(), makeDevice()];
const STRANGER = makeDevice();
const SCOPES: readonly (readonly string[])[] = [
  [],
  ["operator.read"],
  ["operator.write", "operator.pairing"],
  ["operator.admin"],
];
const GRANTERS = [{ identity: "local-owner", scopes: OWNER_SCOPES }, HELPER];
const DAY_MS = 86_400_000;

const device = fc.constantFrom(0, 0, 0, 1);
const role = fc.constantFrom<Role>("operator", "operator", "operator", "node");
const scopes = fc.constantFrom(0, 0, 1, 1, 2, 3);
const granter = fc.constantFrom(0, 0, 0, 1);
const pick = fc.constantFrom(0, 0, 0, 1, 2);
const fate = fc.constantFrom<Fate>("done", "done", "done", "done", "done", "done", "reply-lost", "never-run");

const connect = fc.record({
  do: fc.constant("connect" as const),
  device,
  role,
  scopes,
  local: fc.boolean(),
  platform: fc.constantFrom("linux", "linux", "linux", "linux", "linux", "darwin"),
  by: fc.constantFrom("secret", "secret", "newest", "newest", "older", "nothing", "link"),
  pick,
  fate,
});
const step = fc.oneof(
  { weight: 12, arbitrary: connect },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constantFrom("approve" as const, "reject" as const), pick, granter, fate }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("rotate" as const),
      device,
      role,
      now: fc.boolean(),
      narrow: fc.boolean(),
      granter,
      fate,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom("revoke" as const, "remove" as const), device, role, granter, fate }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("link" as const), role, scopes, granter, fate }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      ms: fc.constantFrom(1_000, 4 * 60_000, 9 * 60_000, 11 * 60_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("jump" as const),
      ms: fc.constantFrom(-365 * DAY_MS, -60_000, 60_000, 365 * DAY_MS),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;
type StepOf<K> = Extract<Step, { readonly do: K }>;

const clock = createFakeClock();
const house = new PairingHouse(clock);
afterAll(() => house.close());

/** With what a device came, and when. */
interface Shown {
  readonly token: string | undefined;
  readonly link: string | undefined;
  readonly isInvited: boolean;
  readonly asked: readonly string[];
  readonly now: number;
}

/** Most histories are those of devices that are paired already, under any policy. */
const FIRST = {
  do: "connect",
  device: 0,
  role: "operator",
  scopes: 2,
  local: true,
  platform: "linux",
  by: "secret",
  pick: 0,
  fate: "done",
} as const;
const BEGINNING: readonly Step[] = [FIRST, { do: "approve", pick: 0, granter: 0, fate: "done" }, FIRST];

/** One history, held against the rules. */
class History {
  readonly oracle = new PairingOracle();
  readonly #policy: HousePolicy;
  /** Requests that nobody decided on, those that are gone included. */
  readonly #seen: string[] = [];
  /** Of every link that was ever made. */
  readonly #codes: string[] = [];
  /** Tokens as a client would have them, newest last, by device and role. */
  readonly #wallet = new Map<string, string[]>();

  constructor(policy: HousePolicy) {
    this.#policy = policy;
  }

  async run(given: Step): Promise<void> {
    house.next = "fate" in given ? given.fate : "done";
    await this.#act(given);
    // A process that failed to store something for good is gone.
    if (given.do === "restart" || house.next !== "done") await house.open();
    this.#agree();
  }

  #act(given: Step): void | Promise<unknown> {
    switch (given.do) {
      case "connect":
        return this.#connect(given);
      case "approve":
      case "reject":
        return this.#decide(given);
      case "rotate":
        return this.#rotate(given);
      case "revoke":
      case "remove":
        return this.#end(given);
      case "link":
        return this.#link(given);
      case "wait":
        return clock.advance(given.ms);
      case "jump":
        return clock.jump(given.ms);
      case "restart":
    }
  }

  async finish(): Promise<void> {
    for (const { device: id, role: as, token } of this.oracle.worthless(clock.now())) {
      const verdict = await this.#spend(id, as, { token, platform: "linux", scopes: [] });
      expect(verdict, "a worthless token works").toMatchObject({ ok: false });
    }
    for (const { device: id, role: as, token, platform } of this.oracle.working()) {
      const verdict = await this.#spend(id, as, { token, platform, scopes: [] });
      expect(verdict, "a good token does not work").toMatchObject({ ok: true });
    }
    await this.#ownerGetsIn();
  }

  #spend(
    id: string,
    as: string,
    given: { token: string; platform: string; scopes: readonly string[] },
  ): Promise<Verdict> {
    const { token, ...claims } = given;
    const found = DEVICES.find((one) => one.id === id)!;
    return house.connect({ device: found, role: as as Role, ...claims, local: false, auth: { deviceToken: token } });
  }

  /** From the host itself: with the shared secret, or with the server key when the configuration trusts nothing else. */
  async #ownerGetsIn(): Promise<void> {
    const here = { role: "operator", scopes: OWNER_SCOPES, platform: "linux", local: true } as const;
    const isTrusted = this.#policy.localOwner && this.#policy.localTrust === "on";
    const plain = await house.connect({ ...here, auth: { token: SECRET } });
    expect(plain.ok).toBe(isTrusted);
    for (const own of DEVICES) {
      const bootstrapToken = ownerCode(SERVER_KEY, { deviceId: own.id, at: clock.now() });
      const verdict = await house.connect({ ...here, device: own, auth: { bootstrapToken } });
      expect(verdict).toMatchObject({ ok: true, session: { scopes: OWNER_SCOPES } });
      const stolen = { ...here, device: STRANGER, local: false, auth: { bootstrapToken } };
      expect(await house.connect(stolen)).toMatchObject({ ok: false });
    }
  }

  async #connect(given: StepOf<"connect">): Promise<void> {
    const signer = DEVICES[given.device]!;
    const asked = given.role === "operator" ? SCOPES[given.scopes]! : [];
    const { auth, token, link } = this.#credential(given);
    const { role, platform, local } = given;
    const now = clock.now();
    const mustWork = this.#mustWork(given, token, asked);
    const isInvited = this.#isGoodLink(link, given);
    const verdict = await house.connect({ device: signer, role, scopes: asked, platform, local, auth });
    // With its answer lost nobody knows but the database: what a crash left counts as done.
    if (verdict.ok || house.next === "reply-lost") this.#stored(given, { token, link, isInvited, asked, now });
    if (verdict.ok) return this.#admitted(given, verdict, { token, isInvited, now });
    if (house.next === "done") expect(mustWork, "a device that may come in is locked out").toBe(false);
    const { refusal } = verdict;
    if (refusal.kind === "pairing") this.#asked(refusal.requestId, { ...given, asked, reason: refusal.reason });
  }

  /** What is on disk when a connect is answered, or would have been. */
  #stored(given: StepOf<"connect">, by: Shown): void {
    const { id } = DEVICES[given.device]!;
    const { role, platform } = given;
    if (by.link !== undefined && by.isInvited && house.linkUser(by.link) === id) this.#redeemed(by.link, given);
    else if (given.by === "secret" && this.#isSilent(given, by.asked)) {
      this.oracle.grant(id, role, { scopes: by.asked, platform });
    }
    const fits = this.oracle.covers(id, role, by.asked) && this.oracle.isPinnedTo(id, platform);
    const { token } = by;
    if (token === undefined || !fits || !this.oracle.mayWork({ device: id, role, token }, by.now)) return;
    this.oracle.used(id, role, token);
  }

  #credential(given: StepOf<"connect">): { auth: Record<string, string>; token?: string; link?: string } {
    const wallet = this.#tokensOf(given);
    switch (given.by) {
      case "secret":
        return { auth: { token: SECRET } };
      case "newest":
      case "older": {
        const token = given.by === "newest" ? wallet.at(-1) : wallet.at(-2 - (given.pick % 2));
        return token === undefined ? { auth: {} } : { auth: { deviceToken: token }, token };
      }
      case "link": {
        const link = this.#codes.at(-1 - given.pick);
        return link === undefined ? { auth: { bootstrapToken: "guess" } } : { auth: { bootstrapToken: link }, link };
      }
      default:
        return { auth: {} };
    }
  }

  #mustWork(given: StepOf<"connect">, token: string | undefined, asked: readonly string[]): boolean {
    const { id } = DEVICES[given.device]!;
    const fits = this.oracle.covers(id, given.role, asked) && this.oracle.isPinnedTo(id, given.platform);
    if (!fits) return false;
    return (
      given.by === "secret" ||
      (token !== undefined && this.oracle.mayWork({ device: id, role: given.role, token }, clock.now()))
    );
  }

  /** What a local device with the shared secret may do without a person. */
  #isSilent(given: StepOf<"connect">, asked: readonly string[]): boolean {
    const { id } = DEVICES[given.device]!;
    if (!given.local || this.#policy.localTrust === "off") return false;
    if (!this.oracle.isPinnedTo(id, given.platform)) return false;
    if (this.oracle.isKnown(id) && !this.oracle.hasRow(id, given.role)) return false;
    return !this.oracle.covers(id, given.role, asked);
  }

  /** Good, or used by this very device. */
  #isGoodLink(code: string | undefined, given: StepOf<"connect">): boolean {
    if (code === undefined) return false;
    const link = this.oracle.links.get(code);
    const isFresh = link !== undefined && Math.abs(clock.now() - link.at) < LINK_TTL_MS;
    const { id } = DEVICES[given.device]!;
    return isFresh && link.role === given.role && (link.usedBy === undefined || link.usedBy === id);
  }

  #redeemed(code: string, given: StepOf<"connect">): void {
    const { id } = DEVICES[given.device]!;
    const link = this.oracle.links.get(code)!;
    if (link.usedBy !== undefined) return;
    link.usedBy = id;
    this.oracle.grant(id, given.role, { scopes: link.scopes, platform: given.platform });
    this.oracle.pin(id, given.platform);
  }

  #admitted(
    given: StepOf<"connect">,
    { session, deviceToken }: Extract<Verdict, { ok: true }>,
    { token, isInvited, now }: Pick<Shown, "token" | "isInvited" | "now">,
  ): void {
    const { id: identity } = DEVICES[given.device]!;
    const { role } = given;
    expect(given.by, "nothing was shown, and yet").not.toBe("nothing");
    if (given.by === "link") expect(isInvited, "a link works that is not for this device").toBe(true);
    expect(session).toMatchObject({ identity, role });
    const held = this.oracle.granted(identity, role);
    expect(held, "a session without a record that grants it").toBeDefined();
    expect(within(held ?? [], session.scopes)).toEqual(session.scopes);
    expect(this.oracle.isPinnedTo(identity, given.platform)).toBe(true);
    if (token !== undefined) {
      expect(this.oracle.mayWork({ device: identity, role, token }, now), "a worthless token works").toBe(true);
    }
    this.#received(given, deviceToken ?? "");
  }

  #received(of: { readonly device: number; readonly role: Role }, token: string): void {
    const { id } = DEVICES[of.device]!;
    expect(this.oracle.issued(id, of.role, token), "a token that is over was given out again").toBe(true);
    const wallet = this.#tokensOf(of);
    if (!wallet.includes(token)) wallet.push(token);
  }

  #tokensOf(of: { readonly device: number; readonly role: Role }): string[] {
    const key = `${of.device} ${of.role}`;
    const wallet = this.#wallet.get(key) ?? [];
    this.#wallet.set(key, wallet);
    return wallet;
  }

  #asked(
    requestId: string,
    given: StepOf<"connect"> & { readonly asked: readonly string[]; readonly reason: string },
  ): void {
    const { id } = DEVICES[given.device]!;
    const content = {
      device: id,
      role: given.role,
      scopes: given.asked,
      reason: given.reason,
      platform: given.platform,
    };
    const before = this.oracle.requests.get(requestId);
    expect(before ?? content, "a request changed under its id").toEqual(content);
    if (!this.#seen.includes(requestId)) this.#seen.push(requestId);
    this.oracle.requests.set(requestId, content);
  }

  async #decide(given: StepOf<"approve" | "reject">): Promise<void> {
    const requestId = this.#seen.at(-1 - given.pick) ?? "none";
    const asked = this.oracle.requests.get(requestId);
    const by = GRANTERS[given.granter]!;
    const { devices } = house;
    const done = await settled(given.do === "approve" ? devices.approve(requestId, by) : devices.reject(requestId, by));
    if (done) expect(asked, "a decision on nothing").toBeDefined();
    if (asked === undefined || !(done || (await this.#happened(requestId, given)))) return;
    this.oracle.requests.delete(requestId);
    // What was decided is answered again, so it is asked no more; what went with its device must stay gone.
    this.#seen.splice(this.#seen.indexOf(requestId), 1);
    if (given.do === "reject") return;
    expect(scopesCover(by.scopes, asked.scopes), "somebody granted more than they have").toBe(true);
    if (asked.reason === "metadata-upgrade") this.oracle.pin(asked.device, asked.platform);
    else this.oracle.grant(asked.device, asked.role, asked);
  }

  /** Whether a decision whose answer was lost was made: then the same caller is told so again. */
  async #happened(requestId: string, given: StepOf<"approve" | "reject">): Promise<boolean> {
    if (house.next !== "reply-lost") return false;
    await house.open();
    const isWaiting = (await house.devices.requests()).some((request) => request.requestId === requestId);
    const { devices } = house;
    const by = GRANTERS[given.granter]!;
    return (
      !isWaiting && settled(given.do === "approve" ? devices.approve(requestId, by) : devices.reject(requestId, by))
    );
  }

  async #rotate(given: StepOf<"rotate">): Promise<void> {
    const { id } = DEVICES[given.device]!;
    const by = GRANTERS[given.granter]!;
    const before = house.generation(id, given.role);
    const narrow = given.narrow && given.role === "operator" ? { scopes: ["operator.read"] } : {};
    const wanted = { deviceId: id, role: given.role, now: given.now, ...narrow };
    const done = await settled(house.devices.rotate(wanted, by));
    const after = house.generation(id, given.role);
    if (before === after || after === undefined) return expect(done, "a rotation that rotated nothing").toBe(false);
    expect(by.identity, "a helper changed somebody else's token").toBe("local-owner");
    this.oracle.rotate(id, given.role, { at: clock.now(), now: given.now, ...narrow });
    const token = house.tokens.tokenFor({ deviceId: id, role: given.role, generation: after });
    expect(this.oracle.issued(id, given.role, token), "a token that is over was given out again").toBe(true);
    if (done) this.#received(given, token);
  }

  async #end(given: StepOf<"revoke" | "remove">): Promise<void> {
    const { id } = DEVICES[given.device]!;
    const by = GRANTERS[given.granter]!;
    const wanted = { deviceId: id, role: given.role };
    const done = await settled(given.do === "revoke" ? house.devices.revoke(wanted, by) : house.devices.remove(id, by));
    if (done) expect(by.identity, "a helper ended somebody else's device").toBe("local-owner");
    if (given.granter !== 0 || (!done && house.next !== "reply-lost")) return;
    // Removing or revoking again changes nothing, not even what the device has asked for since.
    if (given.do === "remove") return this.oracle.isKnown(id) ? this.oracle.remove(id) : undefined;
    if (this.oracle.granted(id, given.role) === undefined) return;
    this.oracle.revoke(id, given.role);
    for (const [requestId, asked] of this.oracle.requests) {
      if (asked.device === id && asked.role === given.role) this.oracle.requests.delete(requestId);
    }
  }

  async #link(given: StepOf<"link">): Promise<void> {
    const by = GRANTERS[given.granter]!;
    const wanted = { role: given.role, scopes: given.role === "operator" ? SCOPES[given.scopes]! : [] };
    const made = await house.links.create(wanted, by).catch(expectRefusal);
    if (made === undefined) return;
    expect(scopesCover(by.scopes, wanted.scopes), "somebody gave away more than they have").toBe(true);
    this.#codes.push(made.code);
    this.oracle.links.set(made.code, { ...wanted, at: clock.now(), maker: by.identity });
  }

  /** No scope without a record that grants it, and no record that the rules did not make. */
  #agree(): void {
    const stored = house.devices
      .list()
      .filter((record) => record.deviceId !== HELPER.identity)
      .flatMap((record) =>
        record.grants
          .filter(({ revoked }) => !revoked)
          .map((grant) => ({ device: record.deviceId as string, role: grant.role, scopes: grant.scopes.toSorted() })),
      );
    const wanted = [...this.oracle.rights()].map((right) => ({ ...right, scopes: right.scopes.toSorted() }));
    const key = (right: { device: string; role: string }) => `${right.device} ${right.role}`;
    const order = <T extends { device: string; role: string }>(rights: T[]) =>
      rights.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
    // The assertion is slow, and needed for its words only.
    if (JSON.stringify(order(stored)) !== JSON.stringify(order(wanted))) expect(order(stored)).toEqual(order(wanted));
  }
}

/** Whether a change was answered; what is refused, or lost in a crash, is not. */
const settled = (change: Promise<unknown>): Promise<boolean> =>
  change.then(
    () => true,
    (error: unknown) => {
      if (house.next === "done" && !isWireError(error)) throw error;
      return false;
    },
  );

const expectRefusal = (error: unknown): undefined => {
  if (house.next === "done" && !isWireError(error)) throw error;
};

const policy = fc.record({
  localTrust: fc.constantFrom("on" as const, "on" as const, "off" as const),
  localOwner: fc.boolean(),
});

describe("pairing over thousands of random histories", () => {
  it("grants nothing without a record, revives no credential, and never locks the owner out of the own host", async () => {
    await fc.assert(
      fc.asyncProperty(
        policy,
        fc.array(step, { minLength: 10, maxLength: MAX_STEPS, size: "max" }),
        async (rules, steps) => {
          await house.reset(rules);
          const history = new History(rules);
          for (const one of [...BEGINNING, ...steps]) await history.run(one);
          await history.finish();
        },
      ),
      { seed: SEED, numRuns: RUNS },
    );
  }, 120_000);
});
