/** New passwords: what the API asks of them, and one made by the machine. */

export const MIN_CHARS = 10;
export const MAX_CHARS = 256;
const GROUPS = 5;
const GROUP_CHARS = 4;
/** Without letters that are mistaken for each other when read out or copied by hand. */
const LETTERS = "abcdefghijkmnpqrstuvwxyz23456789";

/** How many characters a password has as the API counts them: code points, where `length` counts halves of some. */
export function countChars(password: string): number {
  return Array.from(password).length;
}

/** Why it would be refused; empty when it would not. */
export function passwordProblem(password: string): string {
  const chars = countChars(password);
  if (chars < MIN_CHARS) {
    return `The password needs at least ${MIN_CHARS} characters.`;
  }
  return chars > MAX_CHARS ? `The password may have at most ${MAX_CHARS} characters.` : "";
}

/** A random password of about 100 bits, in groups that can be read out. */
export function generatePassword(random: (into: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer> = (into) => crypto.getRandomValues(into)): string {
  // 32 letters: five bits of each byte choose one, without preference.
  const letters = [...random(new Uint8Array(GROUPS * GROUP_CHARS))].map((byte) => LETTERS.charAt(byte % LETTERS.length));
  return Array.from({ length: GROUPS }, (_, group) => letters.slice(group * GROUP_CHARS, (group + 1) * GROUP_CHARS).join("")).join("-");
}
