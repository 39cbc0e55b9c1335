import { printable } from "../../base/printable.ts";
import { type Command, defineCommand } from "../command.ts";
import type { Check } from "../doctor/checks.ts";
import { examine } from "../doctor/connect.ts";
import { EXIT, type ExitCode } from "../failure.ts";
import { type GatewayArgs, gatewayOptions } from "../gateway-client.ts";
import { cliIdentity } from "../identity.ts";
import { type Io, printJson, table } from "../io.ts";
import { environmentOf } from "../local.ts";
import { type Target, findTarget } from "../target.ts";
import type { Environment } from "../../config/paths.ts";

export const command: Command = defineCommand(
  (yargs) =>
    gatewayOptions(yargs)
      .option("origin", { type: "string", describe: "Try a web page of this origin, https://...", requiresArg: true })
      .example("$0 doctor connect --url wss://gateway.example.org --token ...", "find out why a connection fails"),
  async (args, io) => {
    const environment = environmentOf(args, io);
    const checks = await examine({
      target: await targetOf(args, environment),
      allowPlaintext: args.allowPlaintext ?? false,
      origin: args.origin,
      platform: io.platform,
      identity: () => cliIdentity(environment.paths.identityFile),
    });
    const failed = checks.find(({ state }) => state === "failed");
    if (args.json) printJson(io, { ok: failed === undefined, checks });
    else print(checks, io);
    return exitCodeOf(failed);
  },
);

/** Without a token the gateway itself says what it wants. */
async function targetOf(args: GatewayArgs, environment: Environment): Promise<Target> {
  const bare = args.url !== undefined && args.token === undefined && environment.token === undefined;
  return bare ? { url: args.url ?? "", own: false } : findTarget(args, environment);
}

const MARKS = { ok: "ok", skipped: "--", failed: "FAIL" } as const;

function print(checks: readonly Check[], io: Io): void {
  io.out(table(checks.map(({ check, state, detail }) => [MARKS[state], check, printable(detail)])));
  for (const check of checks) if (check.state === "failed") io.out(`to mend it: ${printable(check.fix)}\n`);
}

function exitCodeOf(failed: Check | undefined): ExitCode {
  if (failed === undefined) return EXIT.ok;
  return failed.check === "tcp" ? EXIT.unreachable : EXIT.failed;
}
