import { type Command, defineCommand } from "../command.ts";
import { EXIT } from "../failure.ts";
import { gatewayOptions, scopesOf, withGateway } from "../gateway-client.ts";
import { printJson } from "../io.ts";

export const command: Command = defineCommand(
  (yargs) => gatewayOptions(yargs).positional("id", { type: "number", demandOption: true, describe: "Message" }),
  async (args, io) => {
    const decided = await withGateway({ args, io, scopes: scopesOf("inbox.drop") }, (client) =>
      client.call("inbox.drop", { id: args.id }),
    );
    if (args.json) printJson(io, decided);
    else io.out(`left unanswered: ${decided.events} event(s)\n`);
    return EXIT.ok;
  },
);
