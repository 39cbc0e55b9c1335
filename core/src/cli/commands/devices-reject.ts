import { type Command, defineCommand } from "../command.ts";
import { withDevices } from "../devices-call.ts";
import { requestOptions } from "../devices-options.ts";
import { EXIT } from "../failure.ts";
import { printJson } from "../io.ts";

export const command: Command = defineCommand(requestOptions, async (args, io) => {
  const rejected = await withDevices({ args, io }, (client) =>
    client.call("device.pair.reject", { requestId: args.request }),
  );
  if (args.json) printJson(io, rejected);
  else io.out(`rejected ${rejected.deviceId.slice(0, 12)}, which may ask again\n`);
  return EXIT.ok;
});
