import { accountsTable } from "../accounts-table.ts";
import { type Command, defineCommand } from "../command.ts";
import { EXIT } from "../failure.ts";
import { gatewayOptions, scopesOf, withGateway } from "../gateway-client.ts";
import { printJson } from "../io.ts";

const PROBE_MS = 10_000;

export const command: Command = defineCommand(
  (yargs) =>
    gatewayOptions(yargs).option("probe", { type: "boolean", default: false, describe: "Ask the platforms anew" }),
  async (args, io) => {
    const params = args.probe ? { probe: true, timeoutMs: PROBE_MS } : {};
    const status = await withGateway({ args, io, scopes: scopesOf("channels.status") }, (client) =>
      client.call("channels.status", params),
    );
    if (args.json) printJson(io, status);
    else io.out(accountsTable(status));
    return EXIT.ok;
  },
);
