import JSON5 from "json5";
import { isJsonObject } from "../../config/json-schema.ts";
import { type Command, defineCommand, requirePositive } from "../command.ts";
import { EXIT, usage } from "../failure.ts";
import { gatewayOptions, scopesOf, withGateway } from "../gateway-client.ts";

export const command: Command = defineCommand(
  (yargs) =>
    gatewayOptions(yargs)
      .positional("method", { type: "string", demandOption: true, describe: "Method, like chat.history" })
      .option("params", { type: "string", default: "{}", describe: "Params as JSON", requiresArg: true })
      .option("expect-final", {
        type: "boolean",
        default: false,
        describe: "Wait for the second answer of a two-phase method",
      })
      .option("timeout", {
        type: "number",
        default: 30,
        describe: "Longest wait, s",
        requiresArg: true,
      })
      .example(`$0 gateway call chat.history --params '{"sessionKey":"main"}'`, "the newest messages of a session"),
  async (args, io) => {
    requirePositive("timeout", args.timeout);
    const params = parseParams(args.params);
    const options = { expectFinal: args.expectFinal, timeoutMs: args.timeout * 1000 };
    const payload = await withGateway({ args, io, scopes: scopesOf(args.method) }, (client) =>
      client.request(args.method, params, options),
    );
    io.out(`${args.json ? JSON.stringify(payload) : JSON.stringify(payload, null, 2)}\n`);
    return EXIT.ok;
  },
);

function parseParams(text: string): unknown {
  try {
    const params: unknown = JSON5.parse(text);
    if (isJsonObject(params)) return params;
  } catch {
    // Told below, together with values that are no object.
  }
  throw usage(`--params must be one JSON object, like '{"sessionKey":"main"}'`);
}
