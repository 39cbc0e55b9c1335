import type { ArgumentsCamelCase, Argv } from "yargs";
import { type ExitCode, usage } from "./failure.ts";
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

/** Refuses anything but a number above 0; yargs takes any text for a number. */
export function requirePositive(option: string, value: number | undefined): void {
  if (value !== undefined && !(value > 0 && Number.isFinite(value)))
    throw usage(`--${option} must be a number above 0`);
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
