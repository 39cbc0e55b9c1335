import { lookup } from "node:dns/promises";
import { hostname } from "node:os";
import { type GatewayProcess, startGatewayProcess } from "openclaw-host-testing";
import { type CliResult, cli } from "../e2e/cli.ts";
import { type Recorder, startRecorder } from "./recorder.ts";
import { lastDevice } from "./refusals.ts";

/** How `devices list --json` shows what these tests look at. */
interface Pending {
  readonly requestId: string;
  readonly deviceId: string;
}

interface Paired {
  readonly deviceId: string;
  readonly roles?: readonly string[];
  readonly connected?: boolean;
}

interface Listed {
  readonly pending: readonly Pending[];
  readonly paired: readonly Paired[];
}

/** A gateway, a tunnel to it, and its owner, who uses this host's own command line. */
export interface House extends AsyncDisposable {
  readonly gateway: GatewayProcess;
  readonly tunnel: Recorder;
  /** The tunnel's address, for clients. */
  readonly host: string;
  readonly url: string;
  /** Runs a command of our CLI on the gateway's host; throws with its output when it fails. */
  owner(...args: string[]): Promise<CliResult>;
  /** What the owner's `devices list` shows. */
  listed(): Promise<Listed>;
  /** Approves what waits of the device that connected last; returns what the owner was told. Throws when nothing waits. */
  approve(): Promise<string>;
}

/**
 * How a client is told to reach the tunnel. Clients of 2026.9 show no device to a loopback address, so they are given this host's
 * name, as if it were another host.
 */
export type Reach = "loopback" | "name";

async function placeOf(reach: Reach): Promise<{ host: string; address: string }> {
  if (reach === "loopback") return { host: "127.0.0.1", address: "127.0.0.1" };
  const host = hostname();
  try {
    return { host, address: (await lookup(host)).address };
  } catch {
    throw new Error(`the name of this host, ${host}, has no address: add it to /etc/hosts as 127.0.0.1`);
  }
}

/** `localTrust`: with "off", the default here, nobody is believed to be local, and everybody has to be paired. */
export async function startHouse(reach: Reach, localTrust: "on" | "off" = "off"): Promise<House> {
  const config = { gateway: { auth: { localTrust } } };
  const gateway = await startGatewayProcess({ config, startTimeoutMs: 60_000 });
  const { host, address } = await placeOf(reach);
  const tunnel = await startRecorder(gateway.url, address);
  const env = {
    HOME: gateway.stateDir,
    OPENCLAW_STATE_DIR: gateway.stateDir,
    OPENCLAW_CONFIG_PATH: gateway.configPath,
    OPENCLAW_GATEWAY_TOKEN: gateway.token,
  };
  async function owner(...args: string[]): Promise<CliResult> {
    const result = await cli(args, env);
    if (result.code !== 0) throw new Error(`openclaw ${args.join(" ")}: ${result.stderr}${result.stdout}`);
    return result;
  }
  const listed = async () => JSON.parse((await owner("devices", "list", "--json")).stdout) as Listed;
  return {
    gateway,
    tunnel,
    host,
    url: `ws://${host}:${tunnel.port}`,
    owner,
    listed,
    async approve() {
      const device = lastDevice(tunnel);
      const waiting = (await listed()).pending.filter(({ deviceId }) => deviceId === device);
      if (waiting.length === 0) throw new Error(`nothing waits of device ${device}`);
      const told: string[] = [];
      for (const { requestId } of waiting) told.push((await owner("devices", "approve", requestId)).stdout);
      return told.join("; ");
    },
    async [Symbol.asyncDispose]() {
      await tunnel[Symbol.asyncDispose]();
      await gateway[Symbol.asyncDispose]();
    },
  };
}
