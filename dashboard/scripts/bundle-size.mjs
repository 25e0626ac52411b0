// Measures the JavaScript of a first visit to each page (gzip, as the server sends it) and ends the build when one is
// over the budget of 300 kB. Counted are the scripts that the page names and those it fetches later by itself
// (chunks that no page names: MQTT.js). Runs after `next build`.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const OUT = new URL("../out/", import.meta.url).pathname;
const BUDGET_BYTES = 300_000;
const SCRIPT = /<script(?=[^>]*\ssrc="([^"?]+))(?<legacy>[^>]*\snomodule)?[^>]*>/gi;

const files = readdirSync(OUT, { recursive: true });
const size = (path) => gzipSync(readFileSync(join(OUT, path)), { level: 9 }).length;
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`.padStart(9);

const named = new Map();
const legacy = new Set();
for (const page of files.filter((name) => name.endsWith(".html")).sort()) {
  const found = [...readFileSync(join(OUT, page), "utf8").matchAll(SCRIPT)];
  named.set(page, new Set(found.filter((each) => !each.groups.legacy).map((each) => each[1])));
  found.filter((each) => each.groups.legacy).forEach((each) => legacy.add(each[1]));
}
const byAnyPage = new Set([...named.values()].flatMap((scripts) => [...scripts]));
const chunks = files.filter((name) => name.endsWith(".js") && name.includes("chunks")).map((name) => `/${name}`);
const later = chunks.filter((path) => !byAnyPage.has(path) && !legacy.has(path)).reduce((sum, path) => sum + size(path), 0);

let over = false;
for (const [page, scripts] of named) {
  const first = [...scripts].reduce((sum, path) => sum + size(path), 0);
  over ||= first + later > BUDGET_BYTES;
  console.log(`${page.padEnd(24)} first ${kilobytes(first)}, later ${kilobytes(later)}, together ${kilobytes(first + later)}`);
}
if (over) {
  console.error(`A page is over the budget of ${BUDGET_BYTES / 1000} kB of compressed JavaScript.`);
  process.exit(1);
}
