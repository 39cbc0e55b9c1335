import { type Command, defineCommand } from "../command.ts";
import { changeAndTell } from "../config-change.ts";

export const command: Command = defineCommand(
  (yargs) =>
    yargs
      .positional("path", { type: "string", demandOption: true, describe: "Keys joined by dots" })
      .epilogue(
        "The rest of the file keeps its values and their order; comments are lost, since JSON5 is only read, not written.",
      ),
  (args, io) => changeAndTell(args, io, { path: args.path, value: undefined }),
);
