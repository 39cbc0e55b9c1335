import { type Command, defineCommand } from "../command.ts";
import { devicesTable } from "../devices-table.ts";
import { EXIT } from "../failure.ts";
import { gatewayOptions, scopesOf, withGateway } from "../gateway-client.ts";
import { printJson } from "../io.ts";

export const command: Command = defineCommand(gatewayOptions, async (args, io) => {
  const listed = await withGateway({ args, io, scopes: scopesOf("device.pair.list") }, (client) =>
    client.call("device.pair.list", {}),
  );
  if (args.json) printJson(io, listed);
  else io.out(devicesTable(listed, Date.now()));
  return EXIT.ok;
});
