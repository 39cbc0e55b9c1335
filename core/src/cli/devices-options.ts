import type { Argv } from "yargs";
import { type GatewayArgs, gatewayOptions } from "./gateway-client.ts";

const ROLES = ["operator", "node"] as const;
type RoleName = (typeof ROLES)[number];

export function requestOptions(yargs: Argv): Argv<GatewayArgs & { readonly request: string }> {
  return gatewayOptions(yargs).positional("request", {
    type: "string",
    demandOption: true,
    describe: "Request id, from openclaw devices list",
  });
}

export function deviceOptions(yargs: Argv): Argv<GatewayArgs & { readonly device: string }> {
  return gatewayOptions(yargs).positional("device", {
    type: "string",
    demandOption: true,
    describe: "Device id, or how it begins",
  });
}

export function roleOption<T>(yargs: Argv<T>): Argv<T & { readonly role: RoleName | undefined }> {
  return yargs.option("role", { choices: ROLES, describe: "Role of the device; default operator", requiresArg: true });
}
