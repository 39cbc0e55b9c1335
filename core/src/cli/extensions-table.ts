import { printable } from "../base/printable.ts";
import type { Discovered } from "../host/discover/discover.ts";
import { table } from "./io.ts";

/** What is told of an extension whether or not a gateway runs. */
export interface ExtensionLine {
  readonly id: string;
  readonly version?: string;
  readonly state: string;
  readonly reason?: string;
  readonly fix?: string;
}

/** `enabled` with a reason means that nothing needs the extension yet, told as "inactive". */
export const isIdle = ({ state, reason }: Pick<ExtensionLine, "state" | "reason">): boolean =>
  state === "inactive" || (state === "enabled" && reason !== undefined);

/** The state in the words of people. */
export const shownState = (extension: Pick<ExtensionLine, "state" | "reason">): string =>
  isIdle(extension) ? "inactive" : extension.state;

/** One extension a line, with the reason when it is not active. */
export function extensionsTable(extensions: readonly ExtensionLine[]): string {
  if (extensions.length === 0) return "  none found; name a folder with --extensions DIR\n";
  return table(
    extensions.map((extension) => {
      const { id, version = "", reason = "", fix } = extension;
      const why = fix === undefined ? reason : `${reason} (${fix})`;
      return [`  ${printable(id)}`, printable(version), shownState(extension), printable(why)];
    }),
  );
}

/** Extensions as found on disk, for a host whose gateway is not running. */
export function discoveredLines(found: readonly Discovered[]): ExtensionLine[] {
  return found.map((extension) => {
    const { id, state, manifest } = extension;
    const version = manifest === undefined ? {} : { version: manifest.version };
    return extension.state === "refused" ? { id, state, ...version, ...extension.refusal } : { id, state, ...version };
  });
}
