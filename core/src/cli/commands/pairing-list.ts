import { type Command, defineCommand } from "../command.ts";
import { EXIT } from "../failure.ts";
import { gatewayOptions, scopesOf, withGateway } from "../gateway-client.ts";
import { printJson } from "../io.ts";
import { pairingTable } from "../pairing-table.ts";

export const command: Command = defineCommand(
  (yargs) =>
    gatewayOptions(yargs)
      .positional("channel", { type: "string", describe: "Channel id, like telegram; default all" })
      .option("account", { type: "string", describe: "Account of the channel; default all", requiresArg: true }),
  async (args, io) => {
    const params = {
      ...(args.channel === undefined ? {} : { channel: args.channel }),
      ...(args.account === undefined ? {} : { accountId: args.account }),
    };
    const list = await withGateway({ args, io, scopes: scopesOf("channel.pairing.list") }, (client) =>
      client.call("channel.pairing.list", params),
    );
    if (args.json) printJson(io, list);
    else io.out(pairingTable(list, Date.now()));
    return EXIT.ok;
  },
);
