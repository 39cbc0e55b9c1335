import { printable } from "../../base/printable.ts";
import { type Command, defineCommand } from "../command.ts";
import { EXIT } from "../failure.ts";
import { gatewayOptions, scopesOf, withGateway } from "../gateway-client.ts";
import { printJson } from "../io.ts";

export const command: Command = defineCommand(
  (yargs) =>
    gatewayOptions(yargs).option("probe", { type: "boolean", default: false, describe: "Ask the platforms anew" }),
  async (args, io) => {
    const health = await withGateway({ args, io, scopes: scopesOf("health", "status") }, (client) =>
      client.call("health", { probe: args.probe }),
    );
    const problems = health.problems ?? [];
    if (args.json) printJson(io, health);
    else {
      const channels = health.channelOrder.map((id) => health.channelLabels[id] ?? id).join(", ");
      io.out(
        `${problems.length === 0 ? "ok" : "NOT WELL"} in ${health.durationMs} ms; agent ${health.defaultAgentId}; channels: ${channels || "none"}; sessions: ${health.sessions.count}\n`,
      );
      for (const { part, reason } of problems) io.out(`${part}: ${printable(reason)}\n`);
    }
    return problems.length === 0 ? EXIT.ok : EXIT.failed;
  },
);
