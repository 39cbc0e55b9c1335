import { type Command, defineCommand } from "../command.ts";
import { EXIT } from "../failure.ts";
import { gatewayOptions, scopesOf, withGateway } from "../gateway-client.ts";
import { printJson } from "../io.ts";

export const command: Command = defineCommand(
  (yargs) => gatewayOptions(yargs).positional("id", { type: "number", demandOption: true, describe: "Message" }),
  async (args, io) => {
    const decided = await withGateway({ args, io, scopes: scopesOf("inbox.retry") }, (client) =>
      client.call("inbox.retry", { id: args.id }),
    );
    if (args.json) printJson(io, decided);
    else io.out(`taken up again: ${decided.events} event(s); what is allowed now decides whether it runs\n`);
    return EXIT.ok;
  },
);
