"use client";

import { ChevronDown, LayoutDashboard, LogOut, Plug, ScrollText, Server, SlidersHorizontal, UserRound, Users } from "lucide-react";
import Link from "next/link";
import { usePathname } from "next/navigation";
import type { ReactElement } from "react";

import { Button } from "@/components/ui/button";
import { classes } from "@/components/ui/classes";
import { Choice } from "@/components/ui/choice";
import { Popover, type PopoverTriggerProps } from "@/components/ui/popover";
import { Brand } from "@/features/shell/brand";
import { ConnectionIndicator } from "@/features/shell/connection-indicator";
import { chooseTheme, chosenTheme, type Theme } from "@/features/shell/theme";
import { useEngine, usePerson, useValue } from "@/lib/engine/hooks";

/** Top navigation; a page is offered to those who hold one of its permissions. */
const PAGES = [
  { href: "/live/", label: "Dashboard", icon: LayoutDashboard, needs: ["VIEW_DASHBOARD"] },
  { href: "/devices/", label: "Devices", icon: Server, needs: ["VIEW_DASHBOARD", "MANAGE_DEVICES"] },
  { href: "/users/", label: "Users", icon: Users, needs: ["MANAGE_USERS", "MANAGE_ROLES"] },
  { href: "/settings/", label: "Settings", icon: SlidersHorizontal, needs: ["EDIT_CONFIG"] },
  { href: "/logs/", label: "Logs", icon: ScrollText, needs: ["VIEW_LOGS"] },
  { href: "/integrations/", label: "Integrations", icon: Plug, needs: ["MANAGE_INTEGRATIONS"] },
] as const;

const THEMES: readonly { readonly value: Theme; readonly label: string }[] = [
  { value: "system", label: "System" },
  { value: "dark", label: "Dark" },
  { value: "light", label: "Light" },
];

export function Header(): ReactElement {
  return (
    <header className="flex h-12 items-center gap-2 border-b bg-surface px-3 sm:gap-5 sm:px-4">
      <Link href="/live/" aria-label="PrecisionPulse, to the dashboard" className="rounded-md">
        <Brand />
      </Link>
      <Navigation />
      <div className="ml-auto flex min-w-0 items-center gap-1 sm:gap-2">
        <ConnectionIndicator />
        <PersonMenu />
        <SignOut />
      </div>
    </header>
  );
}

function Navigation(): ReactElement {
  const path = usePathname();
  const { permissions } = usePerson();
  const offered = PAGES.filter(({ needs }) => needs.some((each) => permissions.has(each)));
  return (
    <nav aria-label="Pages" className="flex h-full min-w-0 items-stretch gap-0.5 overflow-x-auto [scrollbar-width:none]">
      {offered.map(({ href, label, icon: Icon }) => {
        const here = path.startsWith(href) || (path === "/" && href === "/live/");
        return (
          <Link
            key={href}
            href={href}
            // Six pages fetched ahead would outweigh the one that was asked for.
            prefetch={false}
            aria-current={here ? "page" : undefined}
            className={classes(
              "relative flex items-center gap-1.5 px-2 text-[13px] font-medium text-muted transition-colors hover:text-text sm:px-3",
              here && "text-text after:absolute after:inset-x-2 after:bottom-[-1px] after:h-0.5 after:rounded-full after:bg-accent sm:after:inset-x-3",
            )}
          >
            <Icon aria-hidden className="size-4" />
            <span className="max-lg:sr-only">{label}</span>
          </Link>
        );
      })}
    </nav>
  );
}

function PersonMenu(): ReactElement {
  const person = usePerson();
  const theme = useValue(chosenTheme);
  const trigger = (props: PopoverTriggerProps): ReactElement => (
    <Button tone="quiet" size="compact" className="max-w-40" aria-label={`Signed in as ${person.username}`} data-testid="person-menu" {...props}>
      <UserRound aria-hidden />
      <span className="truncate max-sm:hidden">{person.username}</span>
      <ChevronDown aria-hidden className="size-3.5! text-faint max-sm:hidden" />
    </Button>
  );
  return (
    <Popover trigger={trigger} label="Account">
      <div className="divide-y text-[13px]">
        <div className="px-4 py-3">
          <p className="truncate font-semibold">{person.username}</p>
          <p className="truncate text-xs text-muted">{person.roles.join(", ")}</p>
        </div>
        <div className="flex items-center justify-between gap-3 px-4 py-3">
          <span className="text-muted">Appearance</span>
          <Choice label="Appearance" value={theme} choices={THEMES} onChoose={chooseTheme} />
        </div>
      </div>
    </Popover>
  );
}

function SignOut(): ReactElement {
  const { session } = useEngine();
  return (
    <Button
      tone="quiet"
      size="icon"
      aria-label="Sign out"
      title="Sign out"
      data-testid="sign-out"
      onClick={() => session.signOut()}
    >
      <LogOut aria-hidden />
    </Button>
  );
}
