// Measures the JavaScript that a first visit to each page loads (gzip, as the server sends it), and ends the
// build when a page is over the budget of 300 kB. Runs after `next build`.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const OUT = new URL("../out/", import.meta.url).pathname;
const BUDGET_BYTES = 300_000;
const SCRIPT = /<script(?=[^>]*\ssrc="([^"]+)")(?![^>]*\snomodule)[^>]*>/gi;
const PRELOAD = /<link(?=[^>]*\sas="script")(?=[^>]*\shref="([^"]+)")[^>]*>/gi;

const sizes = new Map();
function compressed(path) {
  if (!sizes.has(path)) sizes.set(path, gzipSync(readFileSync(join(OUT, path)), { level: 9 }).length);
  return sizes.get(path);
}

let over = false;
for (const name of readdirSync(OUT, { recursive: true }).filter((each) => each.endsWith(".html")).sort()) {
  const html = readFileSync(join(OUT, name), "utf8");
  const scripts = new Set([...html.matchAll(SCRIPT), ...html.matchAll(PRELOAD)].map((match) => match[1].split("?")[0]));
  const total = [...scripts].reduce((sum, path) => sum + compressed(path), 0);
  over ||= total > BUDGET_BYTES;
  console.log(`${name.padEnd(24)} ${(total / 1000).toFixed(1).padStart(7)} kB of compressed JavaScript`);
}
if (over) {
  console.error(`First load is over the budget of ${BUDGET_BYTES / 1000} kB.`);
  process.exit(1);
}
