import { printable } from "../../base/printable.ts";
import { type Command, defineCommand } from "../command.ts";
import { EXIT } from "../failure.ts";
import { scopesOf, withGateway } from "../gateway-client.ts";
import { printJson } from "../io.ts";
import { codeOptions, codeParams } from "../pairing-options.ts";

export const command: Command = defineCommand(codeOptions, async (args, io) => {
  const rejected = await withGateway({ args, io, scopes: scopesOf("channel.pairing.reject") }, (client) =>
    client.call("channel.pairing.reject", codeParams(args)),
  );
  if (args.json) printJson(io, rejected);
  else io.out(`rejected ${printable(rejected.request.senderId)}, who may ask again\n`);
  return EXIT.ok;
});
