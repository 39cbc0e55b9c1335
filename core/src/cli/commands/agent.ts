import { randomUUID } from "node:crypto";
import type { AcceptedOf, ParamsOf, ResultOf } from "openclaw-host-schemas";
import type { GatewayClient } from "openclaw-host-sdk/client";
import { printable, printableText } from "../../base/printable.ts";
import { type Command, defineCommand, requirePositive } from "../command.ts";
import { CliFailure, EXIT, usage } from "../failure.ts";
import { gatewayOptions, scopesOf, withGateway } from "../gateway-client.ts";
import { type Io, printJson } from "../io.ts";

export const command: Command = defineCommand(
  (yargs) =>
    gatewayOptions(yargs)
      .positional("message", { type: "string", demandOption: true, describe: "What to say" })
      .option("session", {
        type: "string",
        describe: "Session key; default the agent's main session",
        requiresArg: true,
      })
      .option("agent", { type: "string", describe: "Agent id", requiresArg: true })
      .option("timeout", { type: "number", describe: "Longest run, s", requiresArg: true })
      .option("deliver", { type: "boolean", default: false, describe: "Send the answer to --channel and --to as well" })
      .option("channel", { type: "string", describe: "Channel of --deliver", requiresArg: true })
      .option("to", { type: "string", describe: "Peer of --deliver", requiresArg: true })
      .example('$0 agent "hello"', "one turn in the main session"),
  async (args, io) => {
    const { session, agent, timeout, deliver, channel, to } = args;
    requirePositive("timeout", timeout);
    if (args.message.trim() === "") throw usage("the message is empty: say something");
    const params: ParamsOf<"agent"> = {
      message: args.message,
      idempotencyKey: randomUUID(),
      ...(session === undefined ? {} : { sessionKey: session }),
      ...(agent === undefined ? {} : { agentId: agent }),
      ...(timeout === undefined ? {} : { timeout }),
      ...(deliver ? { deliver } : {}),
      ...(channel === undefined ? {} : { channel }),
      ...(to === undefined ? {} : { to }),
    };
    const result = await withGateway({ args, io, scopes: scopesOf("agent") }, (client) =>
      args.json ? client.call("agent", params) : talk(client, params, io),
    );
    if (args.json) printJson(io, result);
    return aborted(result) ? EXIT.failed : EXIT.ok;
  },
);

type Answer = ResultOf<"agent"> | AcceptedOf<"agent">;

/** Prints the answer while it is made; what the stream did not carry (a dropped event, media) is printed at the end. */
async function talk(client: GatewayClient, params: ParamsOf<"agent">, io: Io): Promise<Answer> {
  let streamed = "";
  const stop = client.on("agent", (event) => {
    if (event.runId !== params.idempotencyKey || event.stream !== "assistant") return;
    if (!event.data.text.startsWith(streamed)) return;
    io.out(printableText(event.data.text.slice(streamed.length)));
    streamed = event.data.text;
  });
  try {
    const result = await client.call("agent", params);
    const { text, media } = contentOf(result);
    const rest = text.startsWith(streamed) ? text.slice(streamed.length) : `\n${text}`;
    io.out(`${printableText(rest)}\n`);
    for (const address of media) io.out(`${printable(address)}\n`);
    if (aborted(result)) throw new CliFailure("the run was ended before its answer was complete");
    return result;
  } finally {
    stop();
  }
}

function contentOf(result: Answer): { text: string; media: readonly string[] } {
  const payloads = "result" in result ? (result.result?.payloads ?? []) : [];
  const text = payloads.flatMap((payload) => payload.text ?? []).join("\n\n");
  const media = payloads.flatMap((payload) => payload.mediaUrls ?? payload.mediaUrl ?? []);
  return { text, media };
}

const aborted = (result: Answer) => "result" in result && result.result?.meta.aborted === true;
