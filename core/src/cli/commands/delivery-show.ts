import { type Command, defineCommand } from "../command.ts";
import { deliveryText } from "../deliveries-table.ts";
import { EXIT } from "../failure.ts";
import { gatewayOptions, scopesOf, withGateway } from "../gateway-client.ts";
import { printJson } from "../io.ts";

export const command: Command = defineCommand(
  (yargs) => gatewayOptions(yargs).positional("id", { type: "string", demandOption: true, describe: "Delivery" }),
  async (args, io) => {
    const followed = await withGateway({ args, io, scopes: scopesOf("delivery.get") }, (client) =>
      client.call("delivery.get", { deliveryId: args.id }),
    );
    if (args.json) printJson(io, followed);
    else io.out(deliveryText(followed));
    return EXIT.ok;
  },
);
