import { randomUUID } from "node:crypto";
import { type Command, defineCommand } from "../command.ts";
import { EXIT, usage } from "../failure.ts";
import { gatewayOptions, scopesOf, withGateway } from "../gateway-client.ts";
import { printJson } from "../io.ts";

export const command: Command = defineCommand(
  (yargs) =>
    gatewayOptions(yargs)
      .option("to", {
        type: "string",
        demandOption: true,
        describe: "Whom, as the channel writes it",
        requiresArg: true,
      })
      .option("message", { type: "string", describe: "Text, Markdown", requiresArg: true })
      .option("media", { type: "string", array: true, nargs: 1, describe: "Address of a file to send, repeatable" })
      .option("channel", { type: "string", describe: "Channel; needed when several are configured", requiresArg: true })
      .option("account", { type: "string", describe: "Account of the channel", requiresArg: true })
      .option("idempotency-key", {
        type: "string",
        describe: "Repeat with the same key to send once",
        requiresArg: true,
      })
      .example('$0 send --channel telegram --to 123456789 --message "hello"', "one message"),
  async (args, io) => {
    const { to, message, media, channel, account } = args;
    if (message === undefined && media === undefined)
      throw usage("give --message or --media: there is nothing to send");
    const idempotencyKey = args.idempotencyKey ?? randomUUID();
    const params = {
      to,
      idempotencyKey,
      ...(message === undefined ? {} : { message }),
      ...(media === undefined ? {} : { mediaUrls: media }),
      ...(channel === undefined ? {} : { channel }),
      ...(account === undefined ? {} : { accountId: account }),
    };
    const receipt = await withGateway({ args, io, scopes: scopesOf("send") }, (client) => client.call("send", params));
    if (args.json) printJson(io, receipt);
    else io.out(`sent through ${receipt.channel}, message ${receipt.messageId}\n`);
    return EXIT.ok;
  },
);
