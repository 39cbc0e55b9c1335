import { randomUUID } from "node:crypto";
import { isJsonObject } from "../../config/json-schema.ts";
import { type Command, defineCommand } from "../command.ts";
import { CliFailure, EXIT } from "../failure.ts";
import { gatewayOptions, scopesOf, withGateway } from "../gateway-client.ts";
import { type Io, printJson } from "../io.ts";
import { environmentOf, readLocal } from "../local.ts";

const TEXT = "This is a test of your gateway: it can reach you here.";

export const command: Command = defineCommand(
  (yargs) =>
    gatewayOptions(yargs)
      .positional("channel", { type: "string", demandOption: true, describe: "Channel id, like telegram" })
      .option("account", { type: "string", describe: "Account of the channel", requiresArg: true })
      .option("to", {
        type: "string",
        describe: "Whom; default the first entry of allowFrom, else whom you approved first",
        requiresArg: true,
      })
      .option("message", { type: "string", default: TEXT, describe: "Text", requiresArg: true }),
  async (args, io) => {
    const { channel, account } = args;
    const named = args.to ?? (await owner(args, channel, () => readLocal(environmentOf(args, io))));
    const to = named ?? (await approvedFirst(args, io));
    const receipt = await withGateway({ args, io, scopes: scopesOf("send") }, (client) =>
      client.call("send", {
        to,
        channel,
        message: args.message,
        idempotencyKey: randomUUID(),
        ...(account === undefined ? {} : { accountId: account }),
      }),
    );
    if (args.json) printJson(io, receipt);
    else io.out(`${channel} delivered message ${receipt.messageId} to ${to}\n`);
    return EXIT.ok;
  },
);

/** People who were let in by a code are known to the gateway alone. */
async function approvedFirst(
  args: Parameters<typeof withGateway>[0]["args"] & { readonly channel: string; readonly account?: string | undefined },
  io: Io,
): Promise<string> {
  const { channel, account } = args;
  const { approved } = await withGateway({ args, io, scopes: scopesOf("channel.pairing.list") }, (client) =>
    client.call("channel.pairing.list", { channel, ...(account === undefined ? {} : { accountId: account }) }),
  );
  const [first] = approved.toSorted((a, b) => a.approvedAt - b.approvedAt);
  if (first !== undefined) return first.senderId;
  throw new CliFailure(
    `nobody may write to ${channel} yet: write to it and approve the code it answers with (openclaw pairing approve ${channel} <code>), or give --to`,
  );
}

/** The owner is who stands first among those that the file lets write. */
async function owner(
  args: { readonly account?: string | undefined },
  id: string,
  read: () => Promise<{ loaded: { parsed: unknown } }>,
): Promise<string | undefined> {
  const { parsed } = (await read()).loaded;
  const channels = isJsonObject(parsed) ? parsed["channels"] : undefined;
  const channel = isJsonObject(channels) ? channels[id] : undefined;
  if (!isJsonObject(channel))
    throw new CliFailure(`${id} is not configured: openclaw channels add ${id} --token <token>`);
  const accounts = isJsonObject(channel["accounts"]) ? channel["accounts"] : {};
  const account = args.account === undefined ? Object.values(accounts)[0] : accounts[args.account];
  const lists = [isJsonObject(account) ? account["allowFrom"] : undefined, channel["allowFrom"]];
  const first = lists.flatMap((list) => (Array.isArray(list) ? list : [])).find((entry) => entry !== "*");
  return typeof first === "string" || typeof first === "number" ? String(first) : undefined;
}
