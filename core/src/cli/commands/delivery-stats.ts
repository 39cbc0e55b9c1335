import { type Command, defineCommand } from "../command.ts";
import { statsTable } from "../deliveries-table.ts";
import { EXIT } from "../failure.ts";
import { gatewayOptions, scopesOf, withGateway } from "../gateway-client.ts";
import { printJson } from "../io.ts";

export const command: Command = defineCommand(gatewayOptions, async (args, io) => {
  const stats = await withGateway({ args, io, scopes: scopesOf("delivery.stats") }, (client) =>
    client.call("delivery.stats", {}),
  );
  if (args.json) printJson(io, stats);
  else io.out(statsTable(stats));
  return EXIT.ok;
});
