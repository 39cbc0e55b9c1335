import { fileURLToPath } from "node:url";
import { defineConfig } from "tsup";

export default defineConfig({
  entry: { main: "src/main.ts", writer: "src/store/writer/writer.ts", guest: "src/host/guest/main.ts" },
  format: "esm",
  platform: "node",
  target: "node24",
  splitting: true,
  sourcemap: false,
  clean: true,
  // node:sqlite exists only under its prefix.
  removeNodeProtocol: false,
  minify: false,
  // Everything but jiti is bundled, so that what a user installs is small and starts fast.
  noExternal: [/^(?!jiti$|node:)/],
  // Bundled CommonJS dependencies call require() for Node's own modules.
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  esbuildOptions(options) {
    options.conditions = ["openclaw-internal", "node", "import", "default"];
    // yargs measures its help with it. Loading it took 24 of the 140 ms that a gateway is at work before it listens.
    options.alias = { "string-width": fileURLToPath(new URL("./src/cli/text-width.ts", import.meta.url)) };
  },
});
