/** What follows from roles: who holds which permission, and through what. Pure; the API decides, this shows. */

import type { Permission, Role, User } from "@/lib/api/access";

export interface HeldPermission {
  readonly name: string;
  readonly description: string;
  /** The roles that give it. */
  readonly from: readonly string[];
}

/** The permissions that *roleNames* give together, by name, each with the roles that give it. */
export function heldPermissions(roleNames: readonly string[], roles: readonly Role[], permissions: readonly Permission[]): readonly HeldPermission[] {
  const held = new Map<string, string[]>();
  for (const role of roles.filter((each) => roleNames.includes(each.name))) {
    role.permissions.forEach((name) => held.set(name, [...(held.get(name) ?? []), role.name]));
  }
  const described = new Map(permissions.map((each) => [each.name, each.description]));
  return [...held].map(([name, from]) => ({ name, from, description: described.get(name) ?? "" })).sort((one, other) => one.name.localeCompare(other.name));
}

/** Those who have the role, active or not. */
export function peopleWith(role: string, users: readonly User[]): readonly User[] {
  return users.filter((user) => user.roles.includes(role));
}

/** How names are compared: as the API does, whatever the letters' case or form. */
export function comparable(name: string): string {
  return name.normalize("NFKC").toLowerCase();
}

/** "1 person", "3 people". */
export function countText(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
