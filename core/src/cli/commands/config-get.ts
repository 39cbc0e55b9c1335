import { getAt, parseDotted } from "../../config/dotted-path.ts";
import { checkConfig } from "../../config/load.ts";
import { configView } from "../../config/view.ts";
import { type Command, defineCommand } from "../command.ts";
import { CliFailure, EXIT } from "../failure.ts";
import { printJson } from "../io.ts";
import { environmentOf, readLocal } from "../local.ts";

export const command: Command = defineCommand(
  (yargs) =>
    yargs
      .positional("path", { type: "string", describe: "Keys joined by dots, like gateway.port; default everything" })
      .epilogue("Defaults are filled in. Secrets are never shown."),
  async (args, io) => {
    const { file, validation } = await readLocal(environmentOf(args, io));
    const view = configView(checkConfig(file, { ...validation, unknownChannels: "warn" }), validation.channels);
    // Of a file with faults there is no effective config: what is written is shown.
    const root = view.valid ? view.config : view.parsed;
    const value = args.path === undefined ? root : getAt(root, parseDotted(args.path));
    if (value === undefined) throw new CliFailure(`nothing is set at "${args.path ?? ""}", and it has no default`);
    if (args.json) printJson(io, value);
    else io.out(`${typeof value === "string" ? value : JSON.stringify(value, null, 2)}\n`);
    return EXIT.ok;
  },
);
