"use client";

import { Check, Copy } from "lucide-react";
import { useState, type ReactElement } from "react";

import { Button } from "@/components/ui/button";

const SHOWN_MS = 2_000;

interface CopyableProps {
  readonly label: string;
  readonly text: string;
  readonly testId?: string;
}

/** Text that is meant to be copied: a code, a token, a command. Where the browser forbids it, it can still be marked. */
export function Copyable({ label, text, testId }: CopyableProps): ReactElement {
  const [copied, setCopied] = useState<boolean | null>(null);
  const copy = async (): Promise<void> => {
    const done = await navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    );
    setCopied(done);
    setTimeout(() => setCopied(null), SHOWN_MS);
  };
  return (
    <div className="flex items-start gap-2 rounded-md border bg-bg p-2">
      <pre data-testid={testId} className="min-w-0 flex-1 overflow-x-auto py-1 pl-1 font-mono text-xs leading-relaxed whitespace-pre-wrap break-all select-all">
        {text}
      </pre>
      <Button size="small" aria-label={`Copy ${label}`} onClick={() => void copy()}>
        {copied === true ? <Check aria-hidden /> : <Copy aria-hidden />}
        <span aria-live="polite">{copied === null ? "Copy" : copied ? "Copied" : "Mark it by hand"}</span>
      </Button>
    </div>
  );
}
