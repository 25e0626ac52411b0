"use client";

import { ChevronDown, KeyRound, LogOut, UserRound } from "lucide-react";
import { lazy, Suspense, useRef, useState, type ReactElement } from "react";

import { Button } from "@/components/ui/button";
import { Choice } from "@/components/ui/choice";
import { Popover, type PopoverTriggerProps } from "@/components/ui/popover";
import { chooseTheme, chosenTheme, type Theme } from "@/features/shell/theme";
import { useEngine, usePerson, useValue } from "@/lib/engine/hooks";

/** A dialog outweighs the rest of the frame, so it comes when it is first wanted. */
const PasswordDialog = lazy(() => import("@/features/auth/password-dialog"));

const THEMES: readonly { readonly value: Theme; readonly label: string }[] = [
  { value: "system", label: "System" },
  { value: "dark", label: "Dark" },
  { value: "light", label: "Light" },
];

/** Who is signed in, with what is theirs: appearance, password, sign-out. */
export function PersonMenu(): ReactElement {
  const person = usePerson();
  const [changing, setChanging] = useState(false);
  const place = useRef<HTMLSpanElement>(null);
  const close = (): void => {
    setChanging(false);
    // The menu that the dialog came from is gone, so the focus goes back to its button, once the dialog lets go of it.
    setTimeout(() => place.current?.querySelector("button")?.focus());
  };
  const trigger = (props: PopoverTriggerProps): ReactElement => (
    <Button tone="quiet" size="compact" className="max-w-40" aria-label={`Signed in as ${person.username}`} data-testid="person-menu" {...props}>
      <UserRound aria-hidden />
      <span className="truncate max-sm:hidden">{person.username}</span>
      <ChevronDown aria-hidden className="size-3.5! text-faint max-sm:hidden" />
    </Button>
  );
  return (
    <span ref={place} className="contents">
      <Popover trigger={trigger} label="Account">
        <Menu onChangePassword={() => setChanging(true)} />
      </Popover>
      {changing && (
        <Suspense>
          <PasswordDialog username={person.username} onClose={close} />
        </Suspense>
      )}
    </span>
  );
}

function Menu({ onChangePassword }: { readonly onChangePassword: () => void }): ReactElement {
  const { session } = useEngine();
  const person = usePerson();
  const theme = useValue(chosenTheme);
  return (
    <div className="divide-y text-[13px]">
      <div className="px-4 py-3">
        <p className="truncate font-semibold">{person.username}</p>
        <p className="text-xs break-words text-muted">{person.roles.length === 0 ? "no role" : person.roles.join(", ")}</p>
      </div>
      <div className="flex items-center justify-between gap-3 px-4 py-3">
        <span className="text-muted">Appearance</span>
        <Choice label="Appearance" value={theme} choices={THEMES} onChoose={chooseTheme} />
      </div>
      <div className="grid gap-0.5 p-2">
        <Button tone="quiet" className="justify-start!" onClick={onChangePassword} data-testid="change-password">
          <KeyRound aria-hidden />
          Change password …
        </Button>
        <Button tone="quiet" className="justify-start!" onClick={() => session.signOut()} data-testid="menu-sign-out">
          <LogOut aria-hidden />
          Sign out
        </Button>
      </div>
    </div>
  );
}
