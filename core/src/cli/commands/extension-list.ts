import { type Command, defineCommand } from "../command.ts";
import { discoveredLines, extensionsTable } from "../extensions-table.ts";
import { CliFailure, EXIT } from "../failure.ts";
import { gatewayOptions, scopesOf, withGateway } from "../gateway-client.ts";
import { printJson } from "../io.ts";
import { environmentOf, readLocal } from "../local.ts";

export const command: Command = defineCommand(
  (yargs) =>
    gatewayOptions(yargs).option("extensions", {
      type: "string",
      array: true,
      nargs: 1,
      describe: "Look into this folder, without a gateway",
    }),
  async (args, io) => {
    const ask = () =>
      withGateway({ args, io, scopes: scopesOf("extensions.list") }, (client) => client.call("extensions.list", {}));
    const look = async () => {
      const local = await readLocal(environmentOf(args, io), args.extensions);
      return { extensions: discoveredLines(local.extensions) };
    };
    const list = args.extensions === undefined ? await ask().catch(orWithoutGateway(look, args.url)) : await look();
    if (args.json) printJson(io, list);
    else io.out(extensionsTable(list.extensions));
    return EXIT.ok;
  },
);

/** This host's own extensions can be told without its gateway; another host's cannot. */
function orWithoutGateway<T>(look: () => Promise<T>, url: string | undefined): (error: unknown) => Promise<T> {
  return async (error) => {
    if (url === undefined && error instanceof CliFailure && error.exitCode === EXIT.unreachable) return look();
    throw error;
  };
}
