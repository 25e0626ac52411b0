"use client";

import { ToggleGroup } from "radix-ui";
import type { ReactElement } from "react";

interface ChoiceProps<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly choices: readonly { readonly value: T; readonly label: string }[];
  readonly onChoose: (value: T) => void;
}

/** One of a few, side by side. */
export function Choice<T extends string>({ label, value, choices, onChoose }: ChoiceProps<T>): ReactElement {
  return (
    <ToggleGroup.Root
      type="single"
      aria-label={label}
      value={value}
      onValueChange={(next) => onChoose(choices.find((each) => each.value === next)?.value ?? value)}
      className="flex rounded-md border bg-bg p-0.5"
    >
      {choices.map((each) => (
        <ToggleGroup.Item
          key={each.value}
          value={each.value}
          className="num h-6 rounded px-2 text-xs font-medium text-muted transition-colors hover:text-text data-[state=on]:bg-raised data-[state=on]:text-text data-[state=on]:shadow-card"
        >
          {each.label}
        </ToggleGroup.Item>
      ))}
    </ToggleGroup.Root>
  );
}
