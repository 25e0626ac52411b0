import { ChevronDown } from "lucide-react";
import { useId, type ReactElement } from "react";

interface SelectProps<T extends string> {
  readonly label: string;
  /** Whether the label is shown above; else it is for screen readers. */
  readonly showLabel?: boolean;
  readonly value: T;
  readonly choices: readonly { readonly value: T; readonly label: string }[];
  readonly onChoose: (value: T) => void;
  readonly disabled?: boolean;
  readonly testId?: string;
}

/** One of many; the browser's own list, so that it works with every keyboard, screen reader and phone. */
export function Select<T extends string>({ label, showLabel = false, value, choices, onChoose, disabled, testId }: SelectProps<T>): ReactElement {
  const id = useId();
  return (
    <div className="grid gap-1.5">
      <label htmlFor={id} className={showLabel ? "text-[13px] font-medium text-muted" : "sr-only"}>
        {label}
      </label>
      <div className="relative">
        <select
          id={id}
          value={value}
          disabled={disabled}
          data-testid={testId}
          onChange={(event) => onChoose(choices.find((each) => each.value === event.target.value)?.value ?? value)}
          className="h-8 w-full appearance-none rounded-md border bg-surface pr-8 pl-2.5 text-[13px] text-text transition-colors hover:border-line-strong disabled:opacity-50"
        >
          {choices.map((each) => (
            <option key={each.value} value={each.value}>
              {each.label}
            </option>
          ))}
        </select>
        <ChevronDown aria-hidden className="pointer-events-none absolute top-2 right-2 size-4 text-faint" />
      </div>
    </div>
  );
}
