import type { NextConfig } from "next";

/** Static export: the auth API serves the folder `out/`; there is no Node server in production. */
const config: NextConfig = {
  output: "export",
  trailingSlash: true,
  reactStrictMode: true,
  poweredByHeader: false,
  images: { unoptimized: true },
  typescript: { tsconfigPath: "tsconfig.json" },
  // The cache also keeps what failed: a build that was interrupted once would then fail for ever.
  experimental: { turbopackFileSystemCacheForBuild: false },
  turbopack: {
    root: import.meta.dirname,
    resolveAlias: {
      "worker-timers": "./src/lib/mqtt/unused-parts.ts",
      "lru-cache": "./src/lib/mqtt/unused-parts.ts",
      // MQTT.js asks for one kind of buffer by name and for another as a global: one is enough.
      buffer: "next/dist/compiled/buffer",
    },
  },
};

export default config;
