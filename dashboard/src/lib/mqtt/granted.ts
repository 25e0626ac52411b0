/**
 * Which of the wanted topics a broker token opens, by the `acl` that came with it.
 *
 * One refused filter would end the whole subscription, and rights can change between sign-in and a new token: so
 * only what is granted is asked for. The broker decides all the same. Pure.
 */

/** Whether what *rule* allows contains everything that *wanted* asks for. */
function covers(rule: string, wanted: string): boolean {
  const rules = rule.split("/");
  const levels = wanted.split("/");
  if (rules.at(-1) === "#") {
    return rules.slice(0, -1).every((each, index) => oneLevel(each, levels[index]));
  }
  return rules.length === levels.length && rules.every((each, index) => oneLevel(each, levels[index]));
}

function oneLevel(rule: string, level: string | undefined): boolean {
  return level !== undefined && (rule === level || (rule === "+" && level !== "#"));
}

/** *subscribable*: the filters of the token. All of *wanted* when none is granted: the broker's refusal then says so. */
export function grantedFilters(wanted: readonly string[], subscribable: readonly string[]): readonly string[] {
  const granted = wanted.filter((each) => subscribable.some((rule) => covers(rule, each)));
  return granted.length === 0 ? wanted : granted;
}
