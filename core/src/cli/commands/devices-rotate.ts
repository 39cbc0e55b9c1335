import { type Command, defineCommand } from "../command.ts";
import { listOf, wholeDeviceId, withDevices } from "../devices-call.ts";
import { deviceOptions, roleOption } from "../devices-options.ts";
import { EXIT } from "../failure.ts";
import { printJson } from "../io.ts";

export const command: Command = defineCommand(
  (yargs) =>
    roleOption(deviceOptions(yargs))
      .option("scopes", { type: "string", describe: "Keep only these scopes: a,b", requiresArg: true })
      .option("now", { type: "boolean", default: false, describe: "The old token stops working at once" }),
  async (args, io) => {
    const { role = "operator", now } = args;
    const scopes = listOf(args.scopes);
    const narrowed = scopes === undefined ? {} : { scopes: [...scopes] };
    const rotated = await withDevices({ args, io }, async (client) =>
      client.call("device.token.rotate", {
        deviceId: await wholeDeviceId(client, args.device),
        role,
        now,
        ...narrowed,
      }),
    );
    if (args.json) printJson(io, rotated);
    else {
      const old = now ? "the old one is worthless" : "the old one works until then, or for ten minutes";
      io.out(`${rotated.deviceId.slice(0, 12)} gets a new token when it connects; ${old}\n`);
    }
    return EXIT.ok;
  },
);
