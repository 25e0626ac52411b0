import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { alias: { "@": new URL("./src", import.meta.url).pathname } },
  test: {
    include: ["tests/**/*.test.ts", "tests/**/*.test.tsx"],
    environment: "node",
    restoreMocks: true,
    // Two threads: the machine that runs every part's tests is small.
    maxWorkers: 2,
    // Only with --coverage; files that no test imports count too.
    coverage: { include: ["src/**/*.{ts,tsx}"], reporter: ["text-summary", "lcovonly"], reportsDirectory: "../reports/dashboard" },
  },
});
