import { join, resolve } from "node:path";
import { createBackup } from "../../store/backup/backup.ts";
import { type Command, defineCommand } from "../command.ts";
import { EXIT } from "../failure.ts";
import { printJson } from "../io.ts";
import { environmentOf } from "../local.ts";

export const command: Command = defineCommand(
  (yargs) => yargs.option("to", { type: "string", describe: "Folder; default <state>/backups", requiresArg: true }),
  async (args, io) => {
    const { paths } = environmentOf(args, io);
    const to = args.to === undefined ? join(paths.stateDir, "backups") : resolve(io.cwd, args.to);
    const backup = createBackup(paths, to, Date.now());
    if (args.json) printJson(io, backup);
    else {
      io.out(`${backup.path}\n`);
      io.err(
        `It holds the database and ${backup.files} files: configuration, keys and media. It is as secret as they are.\n` +
          "Installed extensions and files that the configuration names elsewhere are not in it.\n",
      );
    }
    return EXIT.ok;
  },
);
