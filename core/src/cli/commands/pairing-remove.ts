import { printable } from "../../base/printable.ts";
import { type Command, defineCommand } from "../command.ts";
import { EXIT } from "../failure.ts";
import { gatewayOptions, scopesOf, withGateway } from "../gateway-client.ts";
import { printJson } from "../io.ts";

export const command: Command = defineCommand(
  (yargs) =>
    gatewayOptions(yargs)
      .positional("channel", { type: "string", demandOption: true, describe: "Channel id, like telegram" })
      .positional("sender", { type: "string", demandOption: true, describe: "The sender's id on the platform" })
      .option("account", { type: "string", describe: "Account of the channel; default all", requiresArg: true }),
  async (args, io) => {
    const { channel, sender: senderId, account } = args;
    const params = { channel, senderId, ...(account === undefined ? {} : { accountId: account }) };
    const result = await withGateway({ args, io, scopes: scopesOf("channel.pairing.remove") }, (client) =>
      client.call("channel.pairing.remove", params),
    );
    if (args.json) printJson(io, result);
    else io.out(`${printable(senderId)} may no longer write to ${channel}\n`);
    return EXIT.ok;
  },
);
