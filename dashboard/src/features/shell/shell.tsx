"use client";

import { useEffect, useState, type ReactElement, type ReactNode } from "react";

import { PasswordForm } from "@/features/auth/password-form";
import { SignInForm } from "@/features/auth/sign-in-form";
import { Banners } from "@/features/shell/banners";
import { Mark } from "@/features/shell/brand";
import { Header } from "@/features/shell/header";
import { followTheme } from "@/features/shell/theme";
import { Engine } from "@/lib/engine/engine";
import { EngineContext, useSession } from "@/lib/engine/hooks";

/** The frame of every page: starts the engine once, and shows pages only to those who are signed in. */
export function Shell({ children }: { readonly children: ReactNode }): ReactElement {
  // The exported page has no engine; it and the first picture in the browser are both the splash.
  const [engine] = useState(() => (typeof window === "undefined" ? null : new Engine()));
  useEffect(() => {
    const endEngine = engine?.start();
    const endTheme = followTheme();
    return () => {
      endTheme();
      endEngine?.();
    };
  }, [engine]);
  if (engine === null) {
    return <Splash trouble="" />;
  }
  return (
    <EngineContext value={engine}>
      <SessionGate>{children}</SessionGate>
    </EngineContext>
  );
}

function SessionGate({ children }: { readonly children: ReactNode }): ReactElement {
  const session = useSession();
  switch (session.phase) {
    case "restoring":
      return <Splash trouble={session.trouble} />;
    case "signed-out":
      return <SignInForm notice={session.notice} />;
    case "must-change":
      return <PasswordForm username={session.person.username} />;
    case "signed-in":
      return <SignedIn>{children}</SignedIn>;
  }
}

function SignedIn({ children }: { readonly children: ReactNode }): ReactElement {
  return (
    <div className="flex min-h-dvh flex-col">
      <a href="#content" className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:rounded-md focus:bg-accent focus:px-3 focus:py-2 focus:text-on-accent">
        Skip to the content
      </a>
      <div className="sticky top-0 z-40">
        <Header />
        <Banners />
      </div>
      <main id="content" tabIndex={-1} className="flex-1 p-3 focus:outline-none sm:p-4">
        {children}
      </main>
    </div>
  );
}

function Splash({ trouble }: { readonly trouble: string }): ReactElement {
  return (
    <div className="grid min-h-dvh place-items-center p-6">
      <div className="grid justify-items-center gap-4 text-center" role="status">
        <Mark className="size-12 animate-pulse motion-reduce:animate-none" />
        {trouble === "" ? (
          <span className="sr-only">Loading</span>
        ) : (
          <p data-testid="banner" className="max-w-sm text-[13px] text-muted">
            {trouble}
          </p>
        )}
      </div>
    </div>
  );
}
