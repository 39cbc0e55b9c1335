import { KEPT_STATES } from "openclaw-host-schemas";
import { type Command, defineCommand } from "../command.ts";
import { EXIT } from "../failure.ts";
import { gatewayOptions, scopesOf, withGateway } from "../gateway-client.ts";
import { keptTable } from "../inbox-table.ts";
import { printJson } from "../io.ts";

export const command: Command = defineCommand(
  (yargs) =>
    gatewayOptions(yargs)
      .option("state", {
        choices: KEPT_STATES,
        default: "parked" as const,
        describe: "Those that wait for you, or those that policy kept out",
        requiresArg: true,
      })
      .option("channel", { type: "string", describe: "Only of this channel", requiresArg: true })
      .option("account", { type: "string", describe: "Only of this account", requiresArg: true })
      .option("limit", { type: "number", default: 50, describe: "How many, 1 to 200", requiresArg: true })
      .option("cursor", { type: "number", describe: "Go on where the last page ended", requiresArg: true }),
  async (args, io) => {
    const { state, channel, account, limit, cursor } = args;
    const params = {
      state,
      limit,
      ...(channel === undefined ? {} : { channel }),
      ...(account === undefined ? {} : { accountId: account }),
      ...(cursor === undefined ? {} : { cursor }),
    };
    const page = await withGateway({ args, io, scopes: scopesOf("inbox.list") }, (client) =>
      client.call("inbox.list", params),
    );
    if (args.json) printJson(io, page);
    else {
      io.out(keptTable(page.messages));
      if (page.nextCursor !== undefined) io.err(`older ones: repeat with --cursor ${page.nextCursor}\n`);
    }
    return EXIT.ok;
  },
);
