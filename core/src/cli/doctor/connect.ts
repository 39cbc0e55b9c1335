import { type DeviceIdentity, createGatewayClient, isGatewayError } from "openclaw-host-sdk/client";
import { packageVersion } from "../../version.ts";
import { given } from "../gateway-client.ts";
import type { Target } from "../target.ts";
import { CHECKS, type Check, CheckFailed, type CheckName } from "./checks.ts";
import { diagnose, textIn } from "./diagnosis.ts";
import { checkClock, isEncrypted, nextFrame, parseTarget, probeHttp, probeTcp, probeUpgrade } from "./probes.ts";
import { probeTls } from "./tls.ts";

export interface DoctorCall {
  readonly target: Omit<Target, "own"> & { readonly own: boolean };
  readonly allowPlaintext: boolean;
  /** A web page's origin to be tried. */
  readonly origin: string | undefined;
  readonly platform: string;
  /** This command line as a device; made when it is first needed. */
  readonly identity: () => Promise<DeviceIdentity>;
}

/** Tries every step of a connection and says how each went; what comes after a failure is not tried. */
export async function examine(call: DoctorCall): Promise<readonly Check[]> {
  const done: Check[] = [];
  const pass = (check: CheckName, detail: string): void => void done.push({ check, state: "ok", detail });
  const skip = (check: CheckName, detail: string): void => void done.push({ check, state: "skipped", detail });
  try {
    const url = parseTarget(call.target.url, call.allowPlaintext);
    pass("address", url.href);
    pass("tcp", await probeTcp(url));
    if (isEncrypted(url)) pass("tls", await probeTls(url, call.target.tlsFingerprint));
    else skip("tls", "the address is not encrypted");
    pass("http", await probeHttp(url));
    pass("host", `the gateway answers to the name ${url.hostname}`);
    const { socket, skewMs } = await probeUpgrade(url);
    socket.terminate();
    pass("upgrade", "works");
    pass("challenge", checkClock(skewMs));
    if (call.origin === undefined) skip("origin", "no page was named: --origin https://page.example tries one");
    else pass("origin", await tryOrigin(url, call.origin));
    for (const [check, detail] of await tryConnect(call)) pass(check, detail);
    return done;
  } catch (error) {
    if (!(error instanceof CheckFailed)) throw error;
    return [...upTo(error.check, done), { check: error.check, state: "failed", detail: error.message, fix: error.fix }];
  }
}

/** A refusal tells of one check only: those before it went well. */
function upTo(failed: CheckName, done: readonly Check[]): readonly Check[] {
  const known = new Set(done.map(({ check }) => check));
  const before = CHECKS.slice(0, CHECKS.indexOf(failed)).filter((check) => !known.has(check));
  const earlier = done.filter(({ check }) => check !== failed);
  return [...earlier, ...before.map((check): Check => ({ check, state: "ok", detail: "" }))];
}

/** The origin is looked at before any credential, so nothing else needs to be right. */
async function tryOrigin(url: URL, origin: string): Promise<string> {
  const { socket } = await probeUpgrade(url, origin);
  try {
    const answer = nextFrame(socket, "origin");
    const client = { id: "cli", mode: "cli", version: packageVersion(), platform: "doctor" };
    const params = { minProtocol: 3, maxProtocol: 4, client, role: "operator", scopes: [] };
    socket.send(JSON.stringify({ type: "req", id: "origin", method: "connect", params }));
    const frame = await answer;
    const error: unknown = typeof frame === "object" && frame !== null ? Reflect.get(frame, "error") : undefined;
    if (textIn(error, "message")?.startsWith("origin not allowed") !== true) return `pages of ${origin} may connect`;
    const fix = `on the gateway's host: openclaw config set gateway.controlUi.allowedOrigins '["${origin}"]', then restart the gateway`;
    throw new CheckFailed("origin", `pages of ${origin} may not connect`, fix);
  } finally {
    socket.terminate();
  }
}

async function tryConnect(call: DoctorCall): Promise<readonly (readonly [CheckName, string])[]> {
  try {
    return await admitted(call, call.target.own ? undefined : await call.identity());
  } catch (error) {
    const wantsDevice = isGatewayError(error) && textIn(error.details, "code") === "DEVICE_IDENTITY_REQUIRED";
    if (!wantsDevice || !call.target.own) throw diagnose(error);
  }
  try {
    return await admitted(call, await call.identity());
  } catch (error) {
    throw diagnose(error);
  }
}

async function admitted(
  { target, platform, allowPlaintext }: DoctorCall,
  identity: DeviceIdentity | undefined,
): Promise<readonly (readonly [CheckName, string])[]> {
  const { url, token, password, tlsFingerprint } = target;
  const client = createGatewayClient({
    url,
    ...given({ token, password, identity, tlsFingerprint }),
    scopes: ["operator.read"],
    reconnect: false,
    allowPlaintext,
    client: { id: "cli", mode: "cli", version: packageVersion(), platform },
  });
  try {
    const hello = await client.ready();
    const scopes = hello.auth?.scopes?.join(" ") ?? "";
    return [
      ["version", `protocol ${hello.protocol}, gateway ${hello.server.version}`],
      ["device", identity === undefined ? "none needed on this host" : identity.deviceId],
      ["auth", identity === undefined ? "the shared secret is right" : "accepted"],
      ["pairing", `connected as ${hello.auth?.role ?? "operator"}${scopes === "" ? "" : ` with ${scopes}`}`],
    ];
  } finally {
    await client.close();
  }
}
