/** Who did something, as the API names it (`user:ann`, `device:D1`, `service:ingest`, `system`), in words. */

const PEOPLE = "user:";

export function principalText(principal: string): string {
  if (principal === "") {
    return "nobody known";
  }
  if (principal === "system") {
    return "the system";
  }
  return principal.startsWith(PEOPLE) ? principal.slice(PEOPLE.length) : principal.replace(":", " ");
}

/** What somebody typed as a name: a person, unless it says otherwise. */
export function principalOf(typed: string): string {
  const name = typed.trim();
  return name === "" || name === "system" || name.includes(":") ? name : PEOPLE + name;
}
