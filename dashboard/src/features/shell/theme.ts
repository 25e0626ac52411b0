/**
 * Dark, light or the system's choice; beside pinned tiles the only thing that is kept in the browser's storage.
 *
 * `THEME_SCRIPT` runs before the first paint (its hash is in the policy); the rest follows changes.
 */

import { ValueStore } from "@/lib/store/value-store";

export type Theme = "system" | "dark" | "light";

const KEY = "pulse-theme";
const LIGHT_SYSTEM = "(prefers-color-scheme: light)";

export const THEME_SCRIPT = `(function(){var t=null;try{t=localStorage.getItem("${KEY}")}catch(e){}document.documentElement.dataset.theme=t==="dark"||t==="light"?t:matchMedia("${LIGHT_SYSTEM}").matches?"light":"dark"})()`;

/** What the person chose. */
export const chosenTheme = new ValueStore<Theme>("system");
/** What is shown. */
export const shownTheme = new ValueStore<"dark" | "light">("dark");

function stored(): Theme {
  try {
    // eslint-disable-next-line no-restricted-globals -- a preference, not a secret
    const found = localStorage.getItem(KEY);
    return found === "dark" || found === "light" ? found : "system";
  } catch {
    return "system";
  }
}

function apply(): void {
  const theme = chosenTheme.get();
  const shown = theme === "system" ? (matchMedia(LIGHT_SYSTEM).matches ? "light" : "dark") : theme;
  document.documentElement.dataset.theme = shown;
  shownTheme.set(shown);
}

export function chooseTheme(theme: Theme): void {
  chosenTheme.set(theme);
  try {
    // eslint-disable-next-line no-restricted-globals -- a preference, not a secret
    localStorage.setItem(KEY, theme);
  } catch {
    // A browser that stores nothing forgets the choice at the next load; nothing else is lost.
  }
  apply();
}

/** Follows the system's choice; returns what ends it. */
export function followTheme(): () => void {
  chosenTheme.set(stored());
  apply();
  const system = matchMedia(LIGHT_SYSTEM);
  system.addEventListener("change", apply);
  return () => system.removeEventListener("change", apply);
}
