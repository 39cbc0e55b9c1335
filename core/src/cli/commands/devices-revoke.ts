import { type Command, defineCommand } from "../command.ts";
import { wholeDeviceId, withDevices } from "../devices-call.ts";
import { deviceOptions, roleOption } from "../devices-options.ts";
import { EXIT } from "../failure.ts";
import { printJson } from "../io.ts";

export const command: Command = defineCommand(
  (yargs) => roleOption(deviceOptions(yargs)),
  async (args, io) => {
    const { role = "operator" } = args;
    const revoked = await withDevices({ args, io }, async (client) =>
      client.call("device.token.revoke", { deviceId: await wholeDeviceId(client, args.device), role }),
    );
    if (args.json) printJson(io, revoked);
    else io.out(`${revoked.deviceId.slice(0, 12)} is no longer ${role}: its connections in that role are closed\n`);
    return EXIT.ok;
  },
);
