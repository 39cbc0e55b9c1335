import { type ExtensionDef, defineExtension } from "openclaw-host-sdk";
import { telegram } from "./channel.ts";

/** What the host loads: frozen data, no side effects. */
const extension: ExtensionDef = defineExtension({ channels: [telegram] });

export default extension;
