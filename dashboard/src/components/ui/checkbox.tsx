"use client";

import { Check } from "lucide-react";
import { Checkbox as Radix } from "radix-ui";
import { useId, type ReactElement, type ReactNode } from "react";

interface CheckboxProps {
  readonly label: ReactNode;
  readonly hint?: ReactNode;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
  readonly disabled?: boolean;
  readonly testId?: string;
}

export function Checkbox({ label, hint, checked, onChange, disabled, testId }: CheckboxProps): ReactElement {
  const id = useId();
  return (
    <div className="flex items-start gap-2.5">
      <Radix.Root
        id={id}
        checked={checked}
        disabled={disabled}
        data-testid={testId}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        onCheckedChange={(next) => onChange(next === true)}
        className="mt-0.5 grid size-4 shrink-0 place-items-center rounded border border-line-strong bg-bg text-on-accent disabled:opacity-50 data-[state=checked]:border-accent data-[state=checked]:bg-accent"
      >
        <Radix.Indicator>
          <Check aria-hidden className="size-3" strokeWidth={3} />
        </Radix.Indicator>
      </Radix.Root>
      <div className="min-w-0">
        <label htmlFor={id} className="text-[13px] leading-5">
          {label}
        </label>
        {hint !== undefined && (
          <p id={`${id}-hint`} className="text-xs leading-relaxed text-faint">
            {hint}
          </p>
        )}
      </div>
    </div>
  );
}
