"use client";

import { LogOut } from "lucide-react";
import Link from "next/link";
import { usePathname } from "next/navigation";
import type { ReactElement } from "react";

import { Button } from "@/components/ui/button";
import { classes } from "@/components/ui/classes";
import { Brand } from "@/features/shell/brand";
import { ConnectionIndicator } from "@/features/shell/connection-indicator";
import { firstPage, openPages } from "@/features/shell/pages";
import { PersonMenu } from "@/features/shell/person-menu";
import { useEngine, usePerson } from "@/lib/engine/hooks";

/** One row; on a narrow screen two, so that the state of the connection never has to give way to the navigation. */
export function Header(): ReactElement {
  const home = firstPage(usePerson().permissions);
  return (
    <header className="flex flex-wrap items-center gap-x-2 border-b bg-surface px-3 sm:px-4 lg:h-12 lg:flex-nowrap lg:gap-5">
      <Link href={home} prefetch={false} aria-label="PrecisionPulse, to the start" className="rounded-md">
        <Brand />
      </Link>
      <Navigation />
      <div className="ml-auto flex h-12 min-w-0 items-center gap-1 sm:gap-2 lg:h-full">
        <ConnectionIndicator />
        <PersonMenu />
        <SignOut />
      </div>
    </header>
  );
}

function Navigation(): ReactElement {
  const path = usePathname();
  const offered = openPages(usePerson().permissions);
  return (
    <nav aria-label="Pages" className="flex min-w-0 items-stretch gap-0.5 max-lg:order-last max-lg:h-10 max-lg:w-full max-lg:border-t lg:h-full">
      {offered.map(({ href, label, icon: Icon }) => {
        const here = path.startsWith(href) || (path === "/" && href === "/live/");
        return (
          <Link
            key={href}
            href={href}
            title={label}
            // Six pages fetched ahead would outweigh the one that was asked for.
            prefetch={false}
            aria-current={here ? "page" : undefined}
            className={classes(
              "relative flex items-center justify-center gap-1.5 rounded-md px-2.5 text-[13px] font-medium text-muted transition-colors hover:text-text focus-visible:outline-offset-[-2px] max-lg:flex-1",
              here && "text-text after:absolute after:inset-x-2.5 after:bottom-[-1px] after:h-0.5 after:rounded-full after:bg-accent",
            )}
          >
            <Icon aria-hidden className="size-4" />
            <span className="max-xl:sr-only">{label}</span>
          </Link>
        );
      })}
    </nav>
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
