import { type Command, defineCommand } from "../command.ts";
import { changeAndTell } from "../config-change.ts";
import { parseValue } from "../config-value.ts";

export const command: Command = defineCommand(
  (yargs) =>
    yargs
      .positional("path", {
        type: "string",
        demandOption: true,
        describe: "Keys joined by dots; \\. is a dot inside a key",
      })
      .positional("value", { type: "string", demandOption: true, describe: "JSON5, or plain text" })
      .epilogue(
        "The rest of the file keeps its values and their order; comments are lost, since JSON5 is only read, not written.",
      )
      .example("$0 config set gateway.port 18790", "another port")
      .example(`$0 config set channels.telegram.allowFrom '["123456789"]'`, "who may write"),
  (args, io) => changeAndTell(args, io, { path: args.path, value: parseValue(args.value) }),
);
