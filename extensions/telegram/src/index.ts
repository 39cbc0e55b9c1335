import { type ExtensionDef, defineExtension } from "openclaw-host-sdk";
import { telegram } from "./channel.ts";

const extension: ExtensionDef = defineExtension({ channels: [telegram] });

export default extension;
