import { type Findings, expect } from "./findings.ts";
import { type House, startHouse } from "./house.ts";
import { RELEASES } from "./install.ts";
import { type Running, makeHome, start } from "./program.ts";
import { until } from "./recorder.ts";
import { expectClosedSince, expectDeviceToken, expectRefusal, lastDevice, newest, refusalCode } from "./refusals.ts";

const answers = (house: House) =>
  house.tunnel.passed.filter(({ by, frame }) => by === "gateway" && frame["type"] === "res");

/** Resolves when the last `connect` was answered with hello-ok. */
const letIn = (house: House, since: number) =>
  until("hello-ok", () =>
    answers(house).length > since && house.tunnel.lastRefusal() === undefined ? true : undefined,
  );

/** The headless node host of a release: paired as a node, listed, let in by its device token, revoked. */
export async function tryNodeHost(version: keyof typeof RELEASES, findings: Findings): Promise<void> {
  const release = await RELEASES[version]();
  await using house = await startHouse("loopback");
  await using home = await makeHome("node");
  const name = `openclaw@${version} node host`;
  const { tunnel, gateway } = house;
  const args = ["node", "run", "--host", house.host, "--port", String(tunnel.port), "--display-name", "a node"];
  const launch = (given: Readonly<Record<string, string>>): Running => start(release, args, { ...home.env, ...given });
  const withToken = { OPENCLAW_GATEWAY_TOKEN: gateway.token };

  await findings.step(name, "asks to be paired as a node", async () => {
    await using host = launch(withToken);
    await until(`a refusal (${host.text()})`, () => tunnel.lastRefusal());
    expect(tunnel.lastConnect()?.["role"] === "node", () => `role ${String(tunnel.lastConnect()?.["role"])}`);
    return expectRefusal(tunnel, "PAIRING_REQUIRED");
  });
  await findings.step(name, "is approved by the owner", () => house.approve());
  await findings.step(name, "comes in, and is listed as a connected node", async () => {
    const before = answers(house).length;
    await using host = launch(withToken);
    await letIn(house, before).catch((error: Error) => expect(false, () => `${error.message}: ${host.text()}`));
    const node = await until("the node in the list", async () =>
      (await house.listed()).paired.find(({ connected, roles }) => connected === true && roles?.includes("node")),
    );
    return `${node.deviceId.slice(0, 12)} speaks protocol ${String(tunnel.lastConnect()?.["maxProtocol"])}`;
  });
  await revoke({ name, findings, house, launch });
  await findings.step(name, "what it calls", async () => {
    const refused = tunnel.refused().map(({ method, error }) => `${method} -> ${error}`);
    return `${tunnel.methods().join(", ")}; refused: ${refused.join("; ") || "nothing"}`;
  });
}

interface Cast {
  readonly name: string;
  readonly findings: Findings;
  readonly house: House;
  readonly launch: (given: Readonly<Record<string, string>>) => Running;
}

async function revoke({ name, findings, house, launch }: Cast): Promise<void> {
  const { tunnel, gateway } = house;
  await findings.step(name, "by device token, then revoked while connected", async () => {
    const before = answers(house).length;
    await using host = launch({});
    await letIn(house, before).catch((error: Error) => expect(false, () => `${error.message}: ${host.text()}`));
    expectDeviceToken(tunnel, gateway.token);
    const connection = newest(tunnel);
    const device = lastDevice(tunnel);
    await house.owner("devices", "revoke", device, "--role", "node");
    const at = performance.now();
    await until("the end of its connection", () => tunnel.closes.find((close) => close.connection === connection));
    const closed = expectClosedSince(tunnel, { connection, at });
    const next = await refusedNext(house, { host, launch });
    return `${closed}; then ${expectRefusal(tunnel, "AUTH_DEVICE_TOKEN_MISMATCH")}${next}`;
  });
  await findings.step(name, "must be paired again with the shared token", async () => {
    const before = answers(house).length;
    await using host = launch({ OPENCLAW_GATEWAY_TOKEN: gateway.token });
    await until(`an answer (${host.text()})`, () => (answers(house).length > before ? true : undefined));
    return expectRefusal(tunnel, "PAIRING_REQUIRED");
  });
}

/** The host of 2026.9 tries again by itself; that of 2026.2 ends when its connection is closed, and is started again here. */
async function refusedNext(
  { tunnel }: House,
  { host, launch }: { readonly host: Running } & Pick<Cast, "launch">,
): Promise<string> {
  const refused = () => until("its next attempt", () => (refusalCode(tunnel) === "let in" ? undefined : true));
  const first = await Promise.race([refused(), host.ended.then((code) => ({ code }))]);
  if (first === true) return ` by itself; the client says: ${host.text().slice(-160)}`;
  await using again = launch({});
  await refused();
  return `, when it is started again (it ended with ${first.code}); the client says: ${again.text().slice(-160)}`;
}
