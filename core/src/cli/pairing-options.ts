import type { ParamsOf } from "openclaw-host-schemas";
import type { Argv } from "yargs";
import { type GatewayArgs, gatewayOptions } from "./gateway-client.ts";

/** Arguments of the commands that decide on a code. */
export interface CodeArgs extends GatewayArgs {
  readonly channel: string;
  readonly code: string;
  readonly account?: string | undefined;
}

export function codeOptions(yargs: Argv): Argv<CodeArgs> {
  return gatewayOptions(yargs)
    .positional("channel", { type: "string", demandOption: true, describe: "Channel id, like telegram" })
    .positional("code", { type: "string", demandOption: true, describe: "The code that the sender was told" })
    .option("account", {
      type: "string",
      describe: "Account of the channel; default the one that knows the code",
      requiresArg: true,
    });
}

export function codeParams({ channel, code, account }: CodeArgs): ParamsOf<"channel.pairing.approve"> {
  return { channel, code, ...(account === undefined ? {} : { accountId: account }) };
}
