import { pathToFileURL } from "node:url";
import { type ExtensionDef, isExtensionDef } from "openclaw-host-sdk";
import type { LoadOrder, LoadOutcome, LoadedChannel } from "../line/guest-methods.ts";

/** A definition that was found to keep what its manifest promises. */
export type LoadedExtension = ExtensionDef;

type Refused = Extract<LoadOutcome, { ok: false }>;
type Summary = Omit<Extract<LoadOutcome, { ok: true }>, "ok">;
/** The definition stays in the guest; the summary goes to the host. */
type Loaded = { readonly ok: true; readonly extension: LoadedExtension; readonly summary: Summary } | Refused;

/** What goes through jiti. */
const TYPESCRIPT = /\.[cm]?tsx?$/u;

const refuse = (reason: string, fix: string): Refused => ({ ok: false, reason, fix });

/** TypeScript goes through jiti with a cache of its own, JavaScript through Node. */
async function importEntry(order: LoadOrder): Promise<unknown> {
  if (!TYPESCRIPT.test(order.entry)) {
    const url = pathToFileURL(order.entry);
    if (order.generation > 1) url.searchParams.set("generation", String(order.generation));
    return import(url.href);
  }
  const { createJiti } = await import("jiti");
  // The module cache would hand an inline guest the modules of the load before.
  const jiti = createJiti(pathToFileURL(order.entry).href, {
    fsCache: order.cacheDir,
    moduleCache: order.generation === 1,
  });
  return jiti.import(order.entry);
}

/** The default export; a module in CommonJS style is the export itself. */
function defaultExport(module: unknown): unknown {
  return typeof module === "object" && module !== null && "default" in module ? module.default : module;
}

/** Promise and code must agree both ways: the operator decided by reading the promise. */
function difference(kind: string, promised: readonly string[], defined: readonly string[]): Refused | undefined {
  const missing = promised.find((id) => !defined.includes(id));
  if (missing !== undefined) {
    return refuse(
      `its manifest promises the ${kind} '${missing}', which its code does not define`,
      `define the ${kind} '${missing}' in the entry file, or take it out of the manifest`,
    );
  }
  const extra = defined.find((id) => !promised.includes(id));
  if (extra === undefined) return undefined;
  return refuse(
    `its code defines the ${kind} '${extra}', which its manifest does not promise`,
    `add '${extra}' to "provides" in the manifest`,
  );
}

/** What the host must know of a channel; the definition itself never leaves the guest. */
function summarise(channel: ExtensionDef["channels"][number]): LoadedChannel {
  const has: LoadedChannel["has"][number][] = [];
  if (channel.render !== undefined) has.push("render");
  if (channel.targets !== undefined) has.push("parseTarget");
  return { id: channel.id, label: channel.label, has };
}

/** Runs the extension's code for the first time and compares what it defines with what its manifest said. */
export async function loadExtension(order: LoadOrder): Promise<Loaded> {
  const extension = defaultExport(await importEntry(order));
  if (!isExtensionDef(extension)) {
    return refuse(
      "its entry file does not export an extension",
      "export the result of defineExtension() from openclaw-host-sdk as the default export",
    );
  }
  if (!order.contracts.includes(extension.contract)) {
    return refuse(
      `its openclaw-host-sdk speaks contract ${extension.contract}; this gateway speaks ${order.contracts.join(" and ")}`,
      `install a version of '${order.extension}' that uses openclaw-host-sdk ${order.contracts[0]}.x`,
    );
  }
  const channels = extension.channels.map((channel) => channel.id);
  const agents = extension.agents.map((agent) => agent.id);
  const refused =
    difference("channel", order.provides.channels, channels) ?? difference("agent", order.provides.agents, agents);
  if (refused !== undefined) return refused;
  const summary = { contract: extension.contract, channels: extension.channels.map(summarise), agents };
  return { ok: true, extension, summary };
}
