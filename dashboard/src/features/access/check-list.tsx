import type { ReactElement, ReactNode } from "react";

import { Checkbox } from "@/components/ui/checkbox";

interface CheckListProps {
  readonly legend: string;
  readonly choices: readonly { readonly name: string; readonly hint: ReactNode }[];
  readonly chosen: readonly string[];
  readonly onChange: (chosen: readonly string[]) => void;
  readonly disabled?: boolean;
  readonly testId: string;
  /** What stands there when there is nothing to choose. */
  readonly empty: string;
}

/** Any of several, each with what it means. */
export function CheckList({ legend, choices, chosen, onChange, disabled = false, testId, empty }: CheckListProps): ReactElement {
  // Sorted as the API lists them, so that a choice taken back is no change; what is chosen and not among the choices stays.
  const toggle = (name: string, on: boolean): void => onChange(on ? [...chosen, name].sort() : chosen.filter((each) => each !== name));
  return (
    <fieldset className="grid gap-2">
      <legend className="mb-1.5 text-[13px] font-medium text-muted">{legend}</legend>
      {choices.length === 0 && <p className="text-[13px] text-muted">{empty}</p>}
      <div className="grid gap-x-6 gap-y-2 sm:grid-cols-2">
        {choices.map((each) => (
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
