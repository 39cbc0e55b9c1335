import { printable } from "../base/printable.ts";
import type { Environment } from "../config/paths.ts";
import type { ExtensionSummary, RunningGateway } from "../gateway-options.ts";

/** What a person reads after the start: where it is, what it found, and what to do now. */
export function startSummary(
  gateway: Pick<RunningGateway, "url" | "secret" | "extensions">,
  environment: Pick<Environment, "paths">,
): string {
  const { secret, extensions } = gateway;
  const lines = [
    "",
    `gateway:    ${gateway.url}`,
    `${secret.mode}:      ${secret.hint} in ${secret.source}`.replace("password:  ", "password:"),
    `state:      ${environment.paths.stateDir}`,
    `config:     ${environment.paths.configFile}`,
    extensions.length === 0 ? "extensions: none found; name a folder with --extensions DIR" : "extensions:",
    ...extensions.flatMap(extensionLines),
    ...unusedChannels(extensions).map(
      (channel) => `to use ${channel}: openclaw channels add ${channel} --token <token>`,
    ),
    'talk to the agent now: npx openclaw agent "hello"',
    "",
  ];
  return lines.join("\n");
}

function extensionLines({ id, state, reason, fix }: ExtensionSummary): string[] {
  const why = reason === undefined ? "" : `: ${printable(reason)}`;
  const next = fix === undefined || state === "inactive" ? [] : [`      ${printable(fix)}`];
  return [`  ${printable(id)}  ${state}${why}`, ...next];
}

/** Channels that wait for nothing but their configuration. */
const unusedChannels = (extensions: readonly ExtensionSummary[]) =>
  extensions.filter((extension) => extension.state === "inactive").flatMap((extension) => extension.channels);
