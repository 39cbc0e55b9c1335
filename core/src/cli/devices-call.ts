import { OWNER_SCOPES } from "openclaw-host-schemas";
import { type GatewayClient, isGatewayError } from "openclaw-host-sdk/client";
import { printable } from "../base/printable.ts";
import type { CommonArgs } from "./command.ts";
import { CliFailure, usage } from "./failure.ts";
import { type GatewayArgs, withGateway } from "./gateway-client.ts";
import type { Io } from "./io.ts";

/** What to do about refusals whose words the protocol fixes. */
const NEXT: readonly (readonly [RegExp, string])[] = [
  [/^unknown requestId/, "it was decided on, or waited more than five minutes; see what waits: openclaw devices list"],
  [/^unknown deviceId|rotation denied/, "no such device or role, or it is not yours; see: openclaw devices list"],
  [
    /^missing scope/,
    "only who holds a scope can give it; run this on the gateway's host, or as a device with that scope",
  ],
];

/** Runs `use` with all an owner may do: whoever decides on devices must hold what they are given. */
export async function withDevices<T>(
  call: { readonly args: GatewayArgs & Partial<CommonArgs>; readonly io: Io },
  use: (client: GatewayClient) => Promise<T>,
): Promise<T> {
  try {
    return await withGateway({ ...call, scopes: OWNER_SCOPES }, use);
  } catch (error) {
    const next = isGatewayError(error) ? NEXT.find(([text]) => text.test(error.message))?.[1] : undefined;
    if (!isGatewayError(error) || next === undefined) throw error;
    throw new CliFailure(`${printable(error.message)}: ${next}`);
  }
}

/** The whole id of the device that this text is the beginning of. */
export async function wholeDeviceId(client: GatewayClient, text: string): Promise<string> {
  const { paired } = await client.call("device.pair.list", {});
  const found = paired.filter(({ deviceId, builtIn }) => builtIn !== true && deviceId.startsWith(text));
  const [device] = found;
  if (device === undefined) throw new CliFailure(`no device ${printable(text)} is paired: see openclaw devices list`);
  if (found.length > 1) throw usage(`${found.length} devices begin with ${printable(text)}: give more digits`);
  return device.deviceId;
}

/** A list as `a,b`. */
export const listOf = (text: string | undefined): readonly string[] | undefined =>
  text
    ?.split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
