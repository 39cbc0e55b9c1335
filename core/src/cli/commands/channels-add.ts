import { isJsonObject } from "../../config/json-schema.ts";
import { type ConfigChange, changeConfig } from "../../config/write.ts";
import { knownChannel, tokenField } from "../channel-setup.ts";
import { type Command, defineCommand } from "../command.ts";
import { parseValue } from "../config-value.ts";
import { EXIT, usage } from "../failure.ts";
import { type Io, printJson, readStdin } from "../io.ts";
import { environmentOf, readLocal } from "../local.ts";

export const command: Command = defineCommand(
  (yargs) =>
    yargs
      .positional("channel", { type: "string", demandOption: true, describe: "Channel id, like telegram" })
      .option("token", { type: "string", describe: "The channel's secret; - reads standard input", requiresArg: true })
      .option("token-env", { type: "string", describe: "Name of a variable that holds the secret", requiresArg: true })
      .option("account", {
        type: "string",
        describe: "Account name; default the channel's only one",
        requiresArg: true,
      })
      .option("allow-from", {
        type: "string",
        array: true,
        nargs: 1,
        describe: "Id of a person who may write, repeatable",
      })
      .option("set", {
        type: "string",
        array: true,
        nargs: 1,
        describe: "KEY=VALUE of the channel's configuration, repeatable",
      })
      .option("extensions", { type: "string", array: true, nargs: 1, describe: "Folder of extensions, repeatable" })
      .example("$0 channels add telegram --token <botToken>", "configure Telegram"),
  async (args, io) => {
    const local = await readLocal(environmentOf(args, io), args.extensions);
    const { configFile } = local.environment.paths;
    const id = args.channel;
    const known = knownChannel(id, local.validation);
    const base = args.account === undefined ? `channels.${id}` : `channels.${id}.accounts.${escapeKey(args.account)}`;
    const source = await secretSource(args, io);
    const changes: ConfigChange[] = [
      ...(source === undefined ? [] : [{ path: `${base}.${tokenField(id, known)}`, value: source }]),
      ...(args.allowFrom === undefined ? [] : [{ path: `${base}.allowFrom`, value: args.allowFrom }]),
      ...(args.set ?? []).map((pair) => assignment(base, pair)),
    ];
    if (changes.length === 0) {
      const { secrets } = known;
      throw usage(secrets.length === 0 ? "give --set KEY=VALUE" : `give --token: the ${secrets[0]} of "${id}"`);
    }
    const { loaded, lostComments } = await changeConfig(configFile, changes, local.validation);
    if (args.json) printJson(io, { ok: true, path: configFile, channel: id, lostComments });
    else
      io.out(
        nextSteps({
          id,
          configFile,
          lostComments,
          running: local.running.at !== undefined,
          channel: loaded.config.channels[id],
        }),
      );
    return EXIT.ok;
  },
);

async function secretSource(
  args: { readonly token?: string | undefined; readonly tokenEnv?: string | undefined },
  io: Io,
): Promise<string | { readonly $env: string } | undefined> {
  if (args.token !== undefined && args.tokenEnv !== undefined) throw usage("give --token or --token-env, not both");
  if (args.tokenEnv !== undefined) return { $env: args.tokenEnv };
  return args.token === "-" ? readStdin(io) : args.token;
}

function assignment(base: string, pair: string): ConfigChange {
  const at = pair.indexOf("=");
  if (at < 1) throw usage(`--set takes KEY=VALUE, not "${pair.slice(0, 20)}"`);
  return { path: `${base}.${pair.slice(0, at)}`, value: parseValue(pair.slice(at + 1)) };
}

const escapeKey = (key: string) => key.replaceAll(".", "\\.");

function nextSteps(done: {
  id: string;
  configFile: string;
  lostComments: boolean;
  running: boolean;
  channel: unknown;
}): string {
  const { id, channel } = done;
  const allowed = isJsonObject(channel) && Array.isArray(channel["allowFrom"]) && channel["allowFrom"].length > 0;
  const lines = [
    `configured ${id} in ${done.configFile}`,
    ...(done.lostComments ? ["the file's comments are gone: its values are kept"] : []),
    done.running ? "restart the gateway to use it" : "start the gateway to use it: openclaw gateway",
    ...(allowed ? [] : [`then write to it: it answers with a code for openclaw pairing approve ${id} <code>`]),
    `then check it: openclaw channels test ${id}`,
  ];
  return `${lines.join("\n")}\n`;
}
