import { printable } from "../../base/printable.ts";
import { type Command, defineCommand } from "../command.ts";
import { EXIT } from "../failure.ts";
import { scopesOf, withGateway } from "../gateway-client.ts";
import { printJson } from "../io.ts";
import { codeOptions, codeParams } from "../pairing-options.ts";

export const command: Command = defineCommand(codeOptions, async (args, io) => {
  const approved = await withGateway({ args, io, scopes: scopesOf("channel.pairing.approve") }, (client) =>
    client.call("channel.pairing.approve", codeParams(args)),
  );
  const { channel, accountId, senderId } = approved.sender;
  if (args.json) printJson(io, approved);
  else io.out(`${printable(senderId)} may now write to ${channel}/${accountId}\n`);
  return EXIT.ok;
});
