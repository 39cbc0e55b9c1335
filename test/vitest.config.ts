import { defineConfig } from "vitest/config";

export default defineConfig({
  root: new URL("..", import.meta.url).pathname,
  resolve: { conditions: ["openclaw-internal", "node", "import", "default"] },
  ssr: { resolve: { conditions: ["openclaw-internal", "node", "import", "default"] } },
  test: {
    include: ["{schemas,sdk,core,extensions,test}/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**", "**/build/**", "**/.build/**"],
    setupFiles: ["./test/setup.ts"],
    pool: "forks",
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
});
