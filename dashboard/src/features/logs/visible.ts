/** Text that devices sent, for the eye: what would not be seen, or would turn the text around, stands there as a code. */

/** Control and format characters: zero-width ones and those that change the direction of writing among them. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
const LAYOUT = new Set(["\n", "\t"]);

export function visibleText(text: string): string {
  return text.replace(HIDDEN, (found) => (LAYOUT.has(found) ? found : `\\u${(found.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`));
}
