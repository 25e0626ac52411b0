import js from "@eslint/js";
import next from "@next/eslint-plugin-next";
import a11y from "eslint-plugin-jsx-a11y";
import hooks from "eslint-plugin-react-hooks";
import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

export default defineConfig([
  globalIgnores([".next/", "out/", "next-env.d.ts", "src/contract/", "public/"]),
  js.configs.recommended,
  {
    files: ["**/*.ts", "**/*.tsx"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // `void promise()` says at the call that the outcome is handled inside.
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "max-lines": ["error", { max: 400, skipBlankLines: true, skipComments: true }],
      "no-restricted-globals": [
        "error",
        { name: "localStorage", message: "Only features/shell/theme.ts and features/live/pins.ts store anything, preferences, and never a token." },
        { name: "sessionStorage", message: "Nothing is kept in storage that scripts can read." },
      ],
    },
  },
  {
    files: ["src/**/*.ts", "src/**/*.tsx"],
    ignores: ["src/lib/mqtt/connection.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        { patterns: [{ regex: "^mqtt(/|$)", message: "Only lib/mqtt/connection.ts talks to MQTT.js." }] },
      ],
    },
  },
  {
    files: ["src/**/*.tsx"],
    plugins: { "@next/next": next, "react-hooks": hooks, "jsx-a11y": a11y },
    rules: {
      ...next.configs.recommended.rules,
      ...next.configs["core-web-vitals"].rules,
      ...hooks.configs.recommended.rules,
      ...a11y.flatConfigs.strict.rules,
    },
  },
  {
    files: ["scripts/*.mjs"],
    languageOptions: { globals: { console: "readonly", process: "readonly", URL: "readonly" } },
  },
]);
