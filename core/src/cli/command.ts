import type { ArgumentsCamelCase, Argv } from "yargs";
import type { ExitCode } from "./failure.ts";
import type { Io } from "./io.ts";

/** What the module of a command exports. It is loaded when the command is used or asked for help. */
export interface Command {
  options(yargs: Argv): Argv;
  run(args: ArgumentsCamelCase, io: Io): Promise<ExitCode>;
}

/** Options of every command. */
export interface CommonArgs {
  readonly json: boolean;
  readonly config?: string | undefined;
  readonly stateDir?: string | undefined;
}

/** Types `run` from the options; yargs has checked the arguments against them before. */
export function defineCommand<O>(
  options: (yargs: Argv) => Argv<O>,
  run: (args: ArgumentsCamelCase<O> & CommonArgs, io: Io) => Promise<ExitCode>,
): Command {
  return { options, run };
}

/** One line of the table of commands. */
export interface Entry {
  /** As yargs writes it: `call <method>`. */
  readonly command: string;
  readonly describe: string;
  /** Absent for a mere group. */
  readonly load?: () => Promise<{ readonly command: Command }>;
  readonly children?: readonly Entry[];
}
