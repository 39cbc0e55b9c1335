import { METHODS, OWNER_SCOPES } from "openclaw-host-schemas";
import { type DeviceIdentity, type GatewayClient, createGatewayClient, isGatewayError } from "openclaw-host-sdk/client";
import type { Argv } from "yargs";
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
  const sign = () => cliIdentity(environment.paths.identityFile);
  const client = await connect({ target, ...call }, target.own ? undefined : await sign()).catch(
    async (error: unknown) => {
      // A gateway whose local owner is turned off takes signing devices only.
      if (target.own && needsDevice(error)) return connect({ target, ...call }, await sign());
      throw error;
    },
  );
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

async function connect(
  call: { readonly target: Target; readonly args: GatewayArgs; readonly io: Io; readonly scopes: readonly string[] },
  identity: DeviceIdentity | undefined,
): Promise<GatewayClient> {
  const { target, args, io, scopes } = call;
  const { url, token, password } = target;
  const client = createGatewayClient({
    url,
    ...(token === undefined ? {} : { token }),
    ...(password === undefined ? {} : { password }),
    ...(identity === undefined ? {} : { identity }),
    allowPlaintext: args.allowPlaintext ?? false,
    scopes,
    reconnect: false,
    client: { id: "cli", mode: "cli", version: packageVersion(), platform: io.platform },
  });
  try {
    await client.ready();
    return client;
  } catch (error) {
    await client.close();
    if (isGatewayError(error) && error.code === "UNREACHABLE") throw noGateway(url);
    throw error;
  }
}

function needsDevice(error: unknown): boolean {
  return isGatewayError(error) && JSON.stringify(error.details ?? {}).includes("DEVICE_IDENTITY_REQUIRED");
}
