import type { ReactElement, ReactNode } from "react";

interface RowButtonProps {
  readonly onOpen: () => void;
  readonly testId?: string;
  readonly children: ReactNode;
}

/** Opens what its row stands for; a click anywhere on the row counts, and the keyboard finds one button in it. */
export function RowButton({ onOpen, testId, children }: RowButtonProps): ReactElement {
  return (
    <button type="button" data-testid={testId} onClick={onOpen} className="text-left font-medium after:absolute after:inset-0 after:cursor-pointer">
      {children}
    </button>
  );
}
