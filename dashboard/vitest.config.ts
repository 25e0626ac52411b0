import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { alias: { "@": new URL("./src", import.meta.url).pathname } },
  test: {
    include: ["tests/**/*.test.ts", "tests/**/*.test.tsx"],
    environment: "node",
    setupFiles: ["tests/support/patience.ts"],
    testTimeout: 30_000,
    restoreMocks: true,
    // Two threads: the machine that runs every part's tests is small.
    maxWorkers: 2,
    // Only with --coverage; files that no test imports count too. Paths are the repository's, as SonarQube wants them.
    coverage: {
      include: ["src/**/*.{ts,tsx}"],
      reporter: ["text-summary", ["lcovonly", { projectRoot: ".." }]],
      reportsDirectory: "../reports/dashboard",
    },
    reporters: process.argv.includes("--coverage")
      ? ["default", ["vitest-sonar-reporter", { onWritePath: (path: string) => `dashboard/${path}` }]]
      : ["default"],
    outputFile: { "vitest-sonar-reporter": "../reports/dashboard-tests.xml" },
  },
});
