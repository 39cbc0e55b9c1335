import { type ConfigChange, changeConfig } from "../config/write.ts";
import { formatIssue } from "../config/issue.ts";
import type { CommonArgs } from "./command.ts";
import { EXIT, type ExitCode } from "./failure.ts";
import { type Io, printJson } from "./io.ts";
import { environmentOf, readLocal } from "./local.ts";

/** Applies one change to the file and says what to do next. Channels of extensions unknown to this host are not checked. */
export async function changeAndTell(args: CommonArgs, io: Io, change: ConfigChange): Promise<ExitCode> {
  const local = await readLocal(environmentOf(args, io));
  const { configFile } = local.environment.paths;
  const { loaded, lostComments } = await changeConfig(configFile, [change], {
    ...local.validation,
    unknownChannels: "warn",
  });
  if (args.json) {
    printJson(io, { ok: true, path: configFile, lostComments, issues: loaded.issues, warnings: loaded.warnings });
    return EXIT.ok;
  }
  for (const issue of [...loaded.issues, ...loaded.warnings]) io.err(`${formatIssue(issue)}\n`);
  if (lostComments) io.err("the file's comments are gone: its values are kept\n");
  io.out(`wrote ${configFile}${local.running.at === undefined ? "" : "; restart the gateway to use it"}\n`);
  return EXIT.ok;
}
