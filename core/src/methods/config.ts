import type { ChannelSchemas } from "../config/channel-schema.ts";
import { checkConfig, readConfigFile } from "../config/load.ts";
import { configView } from "../config/view.ts";
import type { HandlersFor } from "./handler.ts";

export interface ConfigMethodParts {
  readonly file: string;
  /** Channels of the discovered extensions, as they are now. */
  channels(): ChannelSchemas;
}

/** `config.get` reads the file anew, so that its hash is that of the text a later change will be compared with. */
export function configMethods(parts: ConfigMethodParts): HandlersFor<"config.get"> {
  return {
    "config.get": async () => {
      const channels = parts.channels();
      return configView(checkConfig(await readConfigFile(parts.file), { channels }), channels);
    },
  };
}
