/** Top navigation; a page is offered to those who hold one of its permissions. */

import { LayoutDashboard, Plug, ScrollText, Server, SlidersHorizontal, Users } from "lucide-react";

export const PAGES = [
  { href: "/live/", label: "Dashboard", icon: LayoutDashboard, needs: ["VIEW_DASHBOARD"] },
  { href: "/devices/", label: "Devices", icon: Server, needs: ["VIEW_DASHBOARD", "MANAGE_DEVICES"] },
  { href: "/users/", label: "Users", icon: Users, needs: ["MANAGE_USERS", "MANAGE_ROLES"] },
  { href: "/settings/", label: "Settings", icon: SlidersHorizontal, needs: ["EDIT_CONFIG"] },
  { href: "/logs/", label: "Logs", icon: ScrollText, needs: ["VIEW_LOGS"] },
  { href: "/integrations/", label: "Integrations", icon: Plug, needs: ["MANAGE_INTEGRATIONS"] },
] as const;

export function openPages(permissions: ReadonlySet<string>): readonly (typeof PAGES)[number][] {
  return PAGES.filter(({ needs }) => needs.some((each) => permissions.has(each)));
}

/** Where a person starts: the first page that is open to them; the live page, which says why it is not, when none is. */
export function firstPage(permissions: ReadonlySet<string>): string {
  return openPages(permissions)[0]?.href ?? "/live/";
}
