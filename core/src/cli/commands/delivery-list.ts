import { DELIVERY_STATES } from "openclaw-host-schemas";
import { type Command, defineCommand } from "../command.ts";
import { deliveriesTable } from "../deliveries-table.ts";
import { EXIT } from "../failure.ts";
import { gatewayOptions, scopesOf, withGateway } from "../gateway-client.ts";
import { printJson } from "../io.ts";
import { parseSince } from "../since.ts";

export const command: Command = defineCommand(
  (yargs) =>
    gatewayOptions(yargs)
      .option("state", {
        choices: DELIVERY_STATES,
        describe: "Only those with a part in this state",
        requiresArg: true,
      })
      .option("channel", { type: "string", describe: "Only of this channel", requiresArg: true })
      .option("account", { type: "string", describe: "Only of this account", requiresArg: true })
      .option("event", { type: "string", describe: "What answers this event of the platform", requiresArg: true })
      .option("since", { type: "string", describe: "Only newer ones: 30m, 2h, 7d or a date", requiresArg: true })
      .option("limit", { type: "number", default: 50, describe: "How many, 1 to 200", requiresArg: true })
      .option("cursor", { type: "string", describe: "Go on where the last page ended", requiresArg: true })
      .example("$0 delivery list --state unknown", "messages that may or may not have arrived"),
  async (args, io) => {
    const { state, channel, account, event, since, limit, cursor } = args;
    const params = {
      limit,
      ...(state === undefined ? {} : { state }),
      ...(channel === undefined ? {} : { channel }),
      ...(account === undefined ? {} : { accountId: account }),
      ...(event === undefined ? {} : { eventId: event }),
      ...(since === undefined ? {} : { since: parseSince(since, Date.now()) }),
      ...(cursor === undefined ? {} : { cursor }),
    };
    const page = await withGateway({ args, io, scopes: scopesOf("delivery.list") }, (client) =>
      client.call("delivery.list", params),
    );
    if (args.json) printJson(io, page);
    else {
      io.out(deliveriesTable(page.deliveries));
      if (page.nextCursor !== undefined) io.err(`older ones: repeat with --cursor ${page.nextCursor}\n`);
    }
    return EXIT.ok;
  },
);
