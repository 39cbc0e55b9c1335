import type { Manifest } from "openclaw-host-schemas";
import type { Refusal } from "./discover/refusal.ts";

/**
 * Undefined when the extension is needed now. By default that is when something it provides is configured, so that a
 * gateway without channels loads no channel library and starts no process.
 */
export function whyIdle(
  manifest: Manifest,
  isConfigured: (kind: "channel" | "agent", id: string) => boolean,
): Refusal | undefined {
  const { channels = [], agents = [] } = manifest.provides;
  const when = manifest.activation ?? ["configured"];
  if (when.includes("startup")) return undefined;
  const used = channels.some((id) => isConfigured("channel", id)) || agents.some((id) => isConfigured("agent", id));
  if (when.includes("configured") && used) return undefined;
  const [channel] = channels;
  if (channel !== undefined) {
    return { reason: `the channel '${channel}' is not configured`, fix: `openclaw channels add ${channel}` };
  }
  const [agent] = agents;
  if (agent !== undefined) {
    return {
      reason: `no agent uses the runtime '${agent}'`,
      fix: `name '${agent}' as the runtime of an agent in the config`,
    };
  }
  return { reason: "nothing needs it yet", fix: "nothing to do; it is loaded when it is needed" };
}
