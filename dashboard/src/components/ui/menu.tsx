"use client";

import { Check } from "lucide-react";
import { DropdownMenu as Radix } from "radix-ui";
import type { ReactElement, ReactNode } from "react";

const ITEM =
  "flex h-8 cursor-default items-center gap-2 rounded px-2 text-[13px] outline-none select-none data-[highlighted]:bg-raised [&_svg]:size-4 [&_svg]:text-muted";

export function Menu({ trigger, children }: { readonly trigger: ReactNode; readonly children: ReactNode }): ReactElement {
  return (
    <Radix.Root>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          align="end"
          sideOffset={6}
          collisionPadding={12}
          className="appear z-50 w-56 rounded-lg border border-line-strong bg-surface p-1 shadow-float"
        >
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

export function MenuSeparator(): ReactElement {
  return <Radix.Separator className="my-1 h-px bg-line" />;
}

interface MenuChoiceProps<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly choices: readonly { readonly value: T; readonly label: string }[];
  readonly onChoose: (value: T) => void;
}

export function MenuChoice<T extends string>({ label, value, choices, onChoose }: MenuChoiceProps<T>): ReactElement {
  return (
    <Radix.RadioGroup value={value} onValueChange={(next) => onChoose(choices.find((each) => each.value === next)?.value ?? value)}>
      <Radix.Label className="px-2 pt-1.5 pb-1 text-xs text-faint">{label}</Radix.Label>
      {choices.map((each) => (
        <Radix.RadioItem key={each.value} value={each.value} className={ITEM}>
          <span className="flex-1">{each.label}</span>
          <Radix.ItemIndicator>
            <Check aria-hidden />
          </Radix.ItemIndicator>
        </Radix.RadioItem>
      ))}
    </Radix.RadioGroup>
  );
}
