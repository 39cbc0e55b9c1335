import { resolve } from "node:path";
import { restoreBackup } from "../../store/backup/restore.ts";
import { type Command, defineCommand } from "../command.ts";
import { EXIT } from "../failure.ts";
import { printJson } from "../io.ts";
import { environmentOf } from "../local.ts";

export const command: Command = defineCommand(
  (yargs) =>
    yargs.positional("file", {
      type: "string",
      demandOption: true,
      describe: "What openclaw backup create has written",
    }),
  async (args, io) => {
    const { paths } = environmentOf(args, io);
    const restored = restoreBackup(paths, resolve(io.cwd, args.file), Date.now());
    if (args.json) printJson(io, restored);
    else {
      io.out(`restored; what was there before is in ${restored.aside}\n`);
      if (restored.parked > 0) {
        io.out(
          `${restored.parked} messages were under way when the backup was made and may have been answered since: they are parked; ` +
            "after the start see: openclaw delivery list --state unknown\n",
        );
      }
    }
    return EXIT.ok;
  },
);
