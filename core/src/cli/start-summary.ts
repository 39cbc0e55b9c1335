import { isAbsolute } from "node:path";
import { printable } from "../base/printable.ts";
import type { Environment } from "../config/paths.ts";
import type { ExtensionSummary, RunningGateway } from "../gateway-options.ts";
import { isIdle, shownState } from "./extensions-table.ts";

/** What a person reads after the start: where it is, what it found, and what to do now. */
export function startSummary(
  gateway: Pick<RunningGateway, "url" | "tlsFingerprint" | "secret" | "extensions">,
  environment: Pick<Environment, "paths">,
): string {
  const { secret, extensions, tlsFingerprint } = gateway;
  const lines = [
    "",
    `gateway:    ${gateway.url}`,
    ...(tlsFingerprint === undefined ? [] : [`tls:        SHA-256 ${tlsFingerprint}`]),
    `${`${secret.mode}:`.padEnd(11)} ${secret.hint} ${isAbsolute(secret.source) ? "in" : "from"} ${secret.source}`,
    `state:      ${environment.paths.stateDir}`,
    `config:     ${environment.paths.configFile}`,
    extensions.length === 0 ? "extensions: none found; name a folder with --extensions DIR" : "extensions:",
    ...extensions.flatMap(extensionLines),
    ...unusedChannels(extensions).map(
      (channel) => `to use ${channel}: npx openclaw channels add ${channel} --token <token>`,
    ),
    'talk to the agent now: npx openclaw agent "hello"',
    "",
  ];
  return lines.join("\n");
}

function extensionLines(extension: ExtensionSummary): string[] {
  const { id, reason, fix } = extension;
  const why = reason === undefined ? "" : `: ${printable(reason)}`;
  // How to use an idle channel is said below, with its token.
  const next =
    fix === undefined || (isIdle(extension) && extension.channels.length > 0) ? [] : [`      ${printable(fix)}`];
  return [`  ${printable(id)}  ${shownState(extension)}${why}`, ...next];
}

/** Channels that wait for nothing but their configuration. */
const unusedChannels = (extensions: readonly ExtensionSummary[]) =>
  extensions.filter(isIdle).flatMap((extension) => extension.channels);
