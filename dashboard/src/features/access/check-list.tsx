import type { ReactElement, ReactNode } from "react";

import { Checkbox } from "@/components/ui/checkbox";

interface CheckListProps {
  readonly legend: string;
  readonly choices: readonly { readonly name: string; readonly hint: ReactNode }[];
  /** In the order of `inOrder`, or a choice taken back counts as a change. */
  readonly chosen: readonly string[];
  readonly onChange: (chosen: readonly string[]) => void;
  readonly disabled?: boolean;
  readonly testId: string;
  /** What stands there when there is nothing to choose. */
  readonly empty: string;
}

/** *names* as choices are kept: in one order, whatever that of the API is, which goes by letters that have no case. */
export function inOrder(names: readonly string[]): readonly string[] {
  return names.toSorted();
}

/** Any of several, each with what it means; what is chosen and in no list can be seen and taken away too. */
export function CheckList({ legend, choices, chosen, onChange, disabled = false, testId, empty }: CheckListProps): ReactElement {
  const toggle = (name: string, on: boolean): void => onChange(on ? inOrder([...chosen, name]) : chosen.filter((each) => each !== name));
  const unlisted = chosen.filter((name) => choices.every((each) => each.name !== name)).map((name) => ({ name, hint: "New, or not there any more." }));
  const shown = choices.length === 0 ? [] : [...choices, ...unlisted];
  return (
    <fieldset className="grid gap-2">
      <legend className="mb-1.5 text-[13px] font-medium text-muted">{legend}</legend>
      {choices.length === 0 && <p className="text-[13px] text-muted">{empty}</p>}
      <div className="grid gap-x-6 gap-y-2 sm:grid-cols-2">
        {shown.map((each) => (
          <Checkbox
            key={each.name}
            label={<span className="font-medium break-all">{each.name}</span>}
            {...(each.hint === "" ? {} : { hint: each.hint })}
            checked={chosen.includes(each.name)}
            disabled={disabled}
            testId={`${testId}-${each.name}`}
            onChange={(on) => toggle(each.name, on)}
          />
        ))}
      </div>
    </fieldset>
  );
}
