import { printable } from "../../base/printable.ts";
import { type Command, defineCommand } from "../command.ts";
import { withDevices } from "../devices-call.ts";
import { requestOptions } from "../devices-options.ts";
import { EXIT } from "../failure.ts";
import { printJson } from "../io.ts";

export const command: Command = defineCommand(requestOptions, async (args, io) => {
  const approved = await withDevices({ args, io }, (client) =>
    client.call("device.pair.approve", { requestId: args.request }),
  );
  const { deviceId, displayName, roles, scopes } = approved.device;
  if (args.json) printJson(io, approved);
  else {
    const name = displayName === undefined ? "" : ` (${printable(displayName)})`;
    io.out(
      `${deviceId.slice(0, 12)}${name} is paired as ${roles.join(", ")} with ${scopes.join(" ") || "no scopes"}\n`,
    );
  }
  return EXIT.ok;
});
