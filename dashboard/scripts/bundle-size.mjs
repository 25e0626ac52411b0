// Measures the JavaScript of a first visit to each page (gzip, as the server sends it) and ends the build when one is
// over the budget of 300 kB. Counted are the scripts that the page names and those that its worker
// loads at every visit. Chunks that wait for a click (an opened popover) are listed but not counted.
// tests/browser/test_first_load.py measures the same in a browser, so that this cannot lie. Runs after `next build`.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const OUT = new URL("../out/", import.meta.url).pathname;
const BUDGET_BYTES = 300_000;
const SCRIPT = /<script(?=[^>]*\ssrc="([^"?]+))(?<legacy>[^>]*\snomodule)?[^>]*>/gi;
/** What the page's worker is started with: its first script, and the list of what it loads. */
const WORKER = /"(static\/chunks\/turbopack-worker-[^"]+)",\[([^\]]+)\]/g;

const files = readdirSync(OUT, { recursive: true });
const textOf = (path) => readFileSync(join(OUT, path), "utf8");
const size = (path) => gzipSync(readFileSync(join(OUT, path)), { level: 9 }).length;
const sum = (paths) => [...paths].reduce((total, path) => total + size(path), 0);
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`.padStart(9);

const named = new Map();
const legacy = new Set();
for (const page of files.filter((name) => name.endsWith(".html")).sort()) {
  const found = [...textOf(page).matchAll(SCRIPT)];
  named.set(page, new Set(found.filter((each) => !each.groups.legacy).map((each) => each[1])));
  found.filter((each) => each.groups.legacy).forEach((each) => legacy.add(each[1]));
}
const byAnyPage = new Set([...named.values()].flatMap((scripts) => [...scripts]));
const chunks = files.filter((name) => name.endsWith(".js") && name.includes("chunks")).map((name) => `/${name}`);
const unnamed = chunks.filter((path) => !byAnyPage.has(path) && !legacy.has(path));
const later = new Set();
for (const path of chunks) {
  for (const [, entry, list] of textOf(path).matchAll(WORKER)) {
    [entry, ...JSON.parse(`[${list}]`)].map((name) => `/_next/${name}`).filter((name) => unnamed.includes(name)).forEach((name) => later.add(name));
  }
}
if (![...later].some((path) => textOf(path).includes("reschedulePings"))) {
  console.error("MQTT.js was not found among what the worker loads: scripts/bundle-size.mjs must learn where it is now.");
  process.exit(1);
}

let over = false;
for (const [page, scripts] of named) {
  const first = sum(scripts);
  const together = first + sum(later);
  over ||= together > BUDGET_BYTES;
  console.log(`${page.padEnd(24)} first ${kilobytes(first)}, by itself ${kilobytes(sum(later))}, together ${kilobytes(together)}`);
}
console.log(`On demand: ${kilobytes(sum(unnamed.filter((path) => !later.has(path)))).trim()}`);
if (over) {
  console.error(`A page is over the budget of ${BUDGET_BYTES / 1000} kB of compressed JavaScript.`);
  process.exit(1);
}
