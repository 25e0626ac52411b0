"use client";

import { Eye, EyeOff, RefreshCw } from "lucide-react";
import { useState, type ReactElement } from "react";

import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { countChars, generatePassword, MIN_CHARS } from "@/features/access/new-password";

interface PasswordFieldProps {
  readonly value: string;
  readonly onChange: (value: string) => void;
  /** Why it was refused; empty when it was not. */
  readonly error: string;
}

/** A first password for somebody else: typed, or made by the machine and then shown, so that it can be handed over. */
export function PasswordField({ value, onChange, error }: PasswordFieldProps): ReactElement {
  const [shown, setShown] = useState(false);
  const chars = countChars(value);
  const length = chars > 0 && chars < MIN_CHARS ? ` ${MIN_CHARS - chars} more.` : "";
  return (
    <div className="grid gap-2">
      <Field
        label="First password"
        name="new-password"
        type={shown ? "text" : "password"}
        autoComplete="new-password"
        spellCheck={false}
        required
        value={value}
        error={error}
        hint={`At least ${MIN_CHARS} characters; a sentence is good.${length} It must be changed at the first sign-in.`}
        onChange={(event) => onChange(event.target.value)}
        data-testid="first-password"
      />
      <div className="flex flex-wrap gap-2">
        <Button
          size="small"
          data-testid="generate-password"
          onClick={() => {
            onChange(generatePassword());
            setShown(true);
          }}
        >
          <RefreshCw aria-hidden />
          Generate
        </Button>
        <Button size="small" tone="quiet" aria-pressed={shown} onClick={() => setShown(!shown)}>
          {shown ? <EyeOff aria-hidden /> : <Eye aria-hidden />}
          {shown ? "Hide" : "Show"}
        </Button>
      </div>
    </div>
  );
}
