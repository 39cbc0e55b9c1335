import { formatIssue } from "../../config/issue.ts";
import { requireValid } from "../../config/load.ts";
import { type Command, defineCommand } from "../command.ts";
import { EXIT } from "../failure.ts";
import { printJson } from "../io.ts";
import { environmentOf, readLocal } from "../local.ts";

export const command: Command = defineCommand(
  (yargs) =>
    yargs.option("extensions", { type: "string", array: true, nargs: 1, describe: "Folder of extensions, repeatable" }),
  async (args, io) => {
    const { loaded } = await readLocal(environmentOf(args, io), args.extensions);
    const { file: path, valid, issues, warnings } = loaded;
    if (args.json) {
      printJson(io, { path, valid, issues, warnings });
      return valid ? EXIT.ok : EXIT.failed;
    }
    for (const warning of warnings) io.err(`warning: ${formatIssue(warning)}\n`);
    requireValid(loaded);
    io.out(loaded.exists ? `${path} is valid\n` : `${path} does not exist: the defaults hold\n`);
    return EXIT.ok;
  },
);
