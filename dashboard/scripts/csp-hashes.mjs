// Writes out/csp-hashes.json: the SHA-256 of every inline script in the export, for the server's
// Content-Security-Policy (`script-src 'self'` plus these, nothing else). Runs after `next build`.
// An inline event handler or a javascript: address would need 'unsafe-inline', so they end the build.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const OUT = new URL("../out/", import.meta.url).pathname;
const INLINE_SCRIPT = /<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g;
const FORBIDDEN = /<[^>]+\s(?:on[a-z]+=["']|href=["']javascript:)/i;

/** Every HTML page of the export, as absolute paths. */
function pages() {
  return readdirSync(OUT, { recursive: true })
    .filter((name) => name.endsWith(".html"))
    .map((name) => join(OUT, name));
}

const hashes = new Set();
for (const page of pages()) {
  const html = readFileSync(page, "utf8");
  for (const [, body] of html.matchAll(INLINE_SCRIPT)) {
    if (body !== "") hashes.add(`'sha256-${createHash("sha256").update(body, "utf8").digest("base64")}'`);
  }
  const offending = FORBIDDEN.exec(html.replaceAll(INLINE_SCRIPT, ""));
  if (offending) {
    console.error(`${page}: inline handler not allowed by the policy: ${offending[0].slice(0, 120)}`);
    process.exit(1);
  }
}
writeFileSync(join(OUT, "csp-hashes.json"), `${JSON.stringify({ "script-src": [...hashes].sort() }, null, 2)}\n`);
console.log(`csp-hashes.json: ${hashes.size} inline scripts`);
