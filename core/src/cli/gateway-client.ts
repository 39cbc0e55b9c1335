import { METHODS, OWNER_SCOPES, scopesCover } from "openclaw-host-schemas";
import { type DeviceIdentity, type GatewayClient, createGatewayClient, isGatewayError } from "openclaw-host-sdk/client";
import type { Argv } from "yargs";
import { ownerCode, readServerKey } from "../auth/tokens.ts";
import type { Paths } from "../config/paths.ts";
import { packageVersion } from "../version.ts";
import type { CommonArgs } from "./command.ts";
import { cliIdentity } from "./identity.ts";
import type { Io } from "./io.ts";
import { environmentOf } from "./local.ts";
import { type Target, type TargetArgs, findTarget, noGateway } from "./target.ts";

/** Options of every command that talks to a gateway. */
export interface GatewayArgs extends TargetArgs {
  readonly allowPlaintext?: boolean | undefined;
}

/** Adds them. */
export function gatewayOptions<T>(yargs: Argv<T>): Argv<T & GatewayArgs> {
  return yargs
    .option("url", { type: "string", describe: "Gateway on another host, wss://...", requiresArg: true })
    .option("token", { type: "string", describe: "The gateway's token (OPENCLAW_GATEWAY_TOKEN)", requiresArg: true })
    .option("tls-fingerprint", {
      type: "string",
      describe: "SHA-256 of the gateway's certificate: accept this one only (wss://)",
      requiresArg: true,
    })
    .option("allow-plaintext", {
      type: "boolean",
      describe: "Permit ws:// to another host: the token can be read on the way",
    });
}

/** The least scopes a method needs; every owner scope for a method this version does not know. */
export function scopesOf(...methods: string[]): readonly string[] {
  const known: Readonly<Record<string, { readonly scope: string }>> = METHODS;
  if (methods.some((method) => !Object.hasOwn(known, method))) return OWNER_SCOPES;
  const scopes = methods.map((method) => known[method]?.scope ?? "none");
  return [...new Set(scopes)].filter((scope) => scope !== "none");
}

/** Connects with `scopes`, runs `use` and closes. Throws a sentence when no gateway answers. */
export async function withGateway<T>(
  call: { readonly args: GatewayArgs & Partial<CommonArgs>; readonly io: Io; readonly scopes: readonly string[] },
  use: (client: GatewayClient) => Promise<T>,
): Promise<T> {
  const environment = environmentOf(call.args, call.io);
  const target = await findTarget(call.args, environment);
  const { paths } = environment;
  const { client } = target.own
    ? await connectAsOwner({ ...call, target }, paths)
    : await connect({ ...call, target }, { identity: await cliIdentity(paths.identityFile) });
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

interface Call {
  readonly target: Target;
  readonly args: GatewayArgs;
  readonly io: Io;
  readonly scopes: readonly string[];
}

interface Proof {
  readonly identity?: DeviceIdentity;
  /** Instead of the shared secret. */
  readonly bootstrapToken?: string;
}

interface Connected {
  readonly client: GatewayClient;
  /** Scopes of the connection. */
  readonly granted: readonly string[];
}

/**
 * Gets in on the gateway's own host, whatever became of its devices: with the shared secret alone; as a device, where the gateway wants
 * one or gives the secret too little; at last with a code from the server key, which only the owner can read and nobody locks out.
 */
async function connectAsOwner(call: Call, paths: Pick<Paths, "identityFile" | "serverKeyFile">): Promise<Connected> {
  try {
    const connected = await connect(call, {});
    if (scopesCover(connected.granted, call.scopes)) return connected;
    await connected.client.close();
  } catch (error) {
    if (!hasCode(error, "DEVICE_IDENTITY_REQUIRED", "AUTH_RATE_LIMITED")) throw error;
  }
  const identity = await cliIdentity(paths.identityFile);
  try {
    return await connect(call, { identity });
  } catch (error) {
    const key = hasCode(error, "PAIRING_REQUIRED", "AUTH_RATE_LIMITED")
      ? readServerKey(paths.serverKeyFile)
      : undefined;
    if (key === undefined) throw error;
    const bootstrapToken = ownerCode(key, { deviceId: identity.deviceId, at: Date.now() });
    return connect(call, { identity, bootstrapToken });
  }
}

async function connect(call: Call, { identity, bootstrapToken }: Proof): Promise<Connected> {
  const { target, args, io, scopes } = call;
  const { url, token, password, tlsFingerprint } = target;
  const secret = bootstrapToken === undefined ? { token, password } : { bootstrapToken };
  const client = createGatewayClient({
    url,
    ...given({ ...secret, identity, tlsFingerprint }),
    allowPlaintext: args.allowPlaintext ?? false,
    scopes,
    reconnect: false,
    client: { id: "cli", mode: "cli", version: packageVersion(), platform: io.platform },
  });
  try {
    const { auth } = await client.ready();
    // Version 3 does not say; then it is found out by the first call.
    return { client, granted: auth?.scopes ?? scopes };
  } catch (error) {
    await client.close();
    if (isGatewayError(error) && error.code === "UNREACHABLE") throw noGateway(url, target);
    throw error;
  }
}

type Given<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

/** Options without those that are undefined. */
export const given = <T extends object>(options: T): Given<T> =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Given<T>;

function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  if (!isGatewayError(error)) return false;
  const details = JSON.stringify(error.details ?? {});
  return codes.some((code) => details.includes(code));
}
