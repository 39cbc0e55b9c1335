import { type Command, defineCommand } from "../command.ts";
import { EXIT } from "../failure.ts";
import { gatewayOptions, scopesOf, withGateway } from "../gateway-client.ts";
import { printJson } from "../io.ts";

export const command: Command = defineCommand(
  (yargs) => gatewayOptions(yargs).positional("id", { type: "string", demandOption: true, describe: "Delivery" }),
  async (args, io) => {
    const decided = await withGateway({ args, io, scopes: scopesOf("delivery.retry") }, (client) =>
      client.call("delivery.retry", { deliveryId: args.id }),
    );
    if (args.json) printJson(io, decided);
    else io.out(`queued again: ${decided.parts} part(s); follow with: openclaw delivery show ${decided.deliveryId}\n`);
    return EXIT.ok;
  },
);
