import type { ExtensionHost } from "../host/host.ts";
import type { HandlersFor } from "./handler.ts";

/** `extensions.list`: every extension that was found, with its state, the reason for it and what to do. */
export function extensionsMethods(parts: {
  readonly host: Pick<ExtensionHost, "list">;
}): HandlersFor<"extensions.list"> {
  return { "extensions.list": () => ({ extensions: parts.host.list() }) };
}
