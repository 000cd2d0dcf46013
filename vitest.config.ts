import { defineConfig } from "vitest/config";
import type { ViteUserConfig } from "vitest/config";

const config: ViteUserConfig = defineConfig({
  // Not Vite's default server conditions: vitest hands these to its workers as `node --conditions`, and "module" breaks OpenTelemetry.
  ssr: { resolve: { conditions: ["@canopy-runtime/source", "node"] } },
  test: {
    projects: [
      { extends: true, test: { name: "core", include: ["packages/core/src/**/*.test.ts"] } },
      { extends: true, test: { name: "adapters", include: ["packages/{ai-sdk,langchain,openai}/src/**/*.test.ts"] } },
      { extends: true, test: { name: "gateway", include: ["packages/gateway/src/**/*.test.ts"] } },
      { extends: true, test: { name: "cli", include: ["packages/cli/src/**/*.test.ts"] } },
      { extends: true, test: { name: "across", include: ["test/src/**/*.test.ts"] } },
    ],
    // Processes are started and killed in here, on machines with two busy cores.
    testTimeout: 180_000,
    hookTimeout: 60_000,
    allowOnly: false,
    reporters: ["default", "./scripts/count-reporter.ts"],
  },
});

export default config;
