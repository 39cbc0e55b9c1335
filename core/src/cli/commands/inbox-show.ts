import { type Command, defineCommand } from "../command.ts";
import { EXIT } from "../failure.ts";
import { gatewayOptions, scopesOf, withGateway } from "../gateway-client.ts";
import { keptText } from "../inbox-table.ts";
import { printJson } from "../io.ts";

export const command: Command = defineCommand(
  (yargs) => gatewayOptions(yargs).positional("id", { type: "number", demandOption: true, describe: "Message" }),
  async (args, io) => {
    const { message } = await withGateway({ args, io, scopes: scopesOf("inbox.get") }, (client) =>
      client.call("inbox.get", { id: args.id }),
    );
    if (args.json) printJson(io, { message });
    else io.out(keptText(message));
    return EXIT.ok;
  },
);
