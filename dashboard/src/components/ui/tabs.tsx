"use client";

import { Tabs as Radix } from "radix-ui";
import type { ReactElement, ReactNode } from "react";

interface TabsProps<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly onChange: (value: T) => void;
  readonly tabs: readonly { readonly value: T; readonly label: string; readonly content: ReactNode }[];
}

/** Parts of a page side by side; only the chosen one is there. */
export function Tabs<T extends string>({ label, value, onChange, tabs }: TabsProps<T>): ReactElement {
  return (
    <Radix.Root value={value} onValueChange={(next) => onChange(tabs.find((each) => each.value === next)?.value ?? value)}>
      <Radix.List aria-label={label} className="mb-3 flex gap-1 overflow-x-auto border-b">
        {tabs.map((each) => (
          <Radix.Trigger
            key={each.value}
            value={each.value}
            data-testid={`tab-${each.value}`}
            className="border-b-2 border-transparent px-3 py-2 text-[13px] font-medium whitespace-nowrap text-muted transition-colors hover:text-text data-[state=active]:border-accent data-[state=active]:text-text focus-visible:-outline-offset-2"
          >
            {each.label}
          </Radix.Trigger>
        ))}
      </Radix.List>
      {tabs.map((each) => (
        <Radix.Content key={each.value} value={each.value} className="focus-visible:outline-offset-4">
          {each.content}
        </Radix.Content>
      ))}
    </Radix.Root>
  );
}
