import { type Command, defineCommand } from "../command.ts";
import { wholeDeviceId, withDevices } from "../devices-call.ts";
import { deviceOptions } from "../devices-options.ts";
import { EXIT } from "../failure.ts";
import { printJson } from "../io.ts";

export const command: Command = defineCommand(deviceOptions, async (args, io) => {
  const removed = await withDevices({ args, io }, async (client) =>
    client.call("device.pair.remove", { deviceId: await wholeDeviceId(client, args.device) }),
  );
  if (args.json) printJson(io, removed);
  else io.out(`removed ${removed.deviceId.slice(0, 12)}: its connections are closed and its tokens are worthless\n`);
  return EXIT.ok;
});
