/** Edits of a record that somebody else changed meanwhile: what the person touched stays, the rest follows. Pure. */

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** The fields of *draft* that are not as in *seen*. */
export function touched<D extends object>(draft: D, seen: D): readonly (keyof D)[] {
  return (Object.keys(draft) as (keyof D)[]).filter((name) => !same(draft[name], seen[name]));
}

/** *draft*, which began as *seen*, on top of the newer state *now*. */
export function rebase<D extends object>(draft: D, seen: D, now: D): D {
  const next = { ...now };
  touched(draft, seen).forEach((name) => {
    next[name] = draft[name];
  });
  return next;
}
