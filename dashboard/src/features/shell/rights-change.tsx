"use client";

import { Info } from "lucide-react";
import { useState, type ReactElement } from "react";

import { Button } from "@/components/ui/button";
import type { Person } from "@/lib/api/session";
import { usePerson } from "@/lib/engine/hooks";

interface Change {
  readonly gained: readonly string[];
  readonly lost: readonly string[];
}

/** Says that somebody changed what the signed-in person may do, until they have taken note of it. */
export function RightsChange(): ReactElement | null {
  const person = usePerson();
  const [known, setKnown] = useState(person);
  if (known.id !== person.id) {
    setKnown(person);
    return null;
  }
  const { gained, lost } = changeOf(known, person);
  if (gained.length === 0 && lost.length === 0) {
    return null;
  }
  return (
    <div data-testid="banner" data-trouble="rights" className="appear flex items-start gap-2.5 border-b border-accent/30 bg-accent-soft px-4 py-2.5 text-[13px]">
      <Info aria-hidden className="mt-px size-4 shrink-0 text-accent" />
      <p className="min-w-0 flex-1">
        <span className="font-semibold">Your rights were changed.</span> {lost.length > 0 && `No longer yours: ${lost.join(", ")}; what needs it is not offered any more. `}
        {gained.length > 0 && `New: ${gained.join(", ")}. `}
        {lost.length > 0 && "An administrator can tell you why."}
      </p>
      <Button size="small" onClick={() => setKnown(person)} data-testid="rights-noted">
        Got it
      </Button>
    </div>
  );
}

function changeOf(before: Person, after: Person): Change {
  return {
    gained: [...after.permissions].filter((each) => !before.permissions.has(each)),
    lost: [...before.permissions].filter((each) => !after.permissions.has(each)),
  };
}
