/** What the programs bring along themselves. Only for marks on the screen: to the API these are records like others. */

const SEEDED_ROLES: ReadonlySet<string> = new Set(["ADMIN", "OPERATOR", "VIEWER"]);
const BUILT_IN_PERMISSIONS: ReadonlySet<string> = new Set([
  "VIEW_DASHBOARD",
  "VIEW_LOGS",
  "FORCE_SYNC",
  "EDIT_CONFIG",
  "DESKTOP_LOGIN",
  "MANAGE_USERS",
  "MANAGE_ROLES",
  "MANAGE_DEVICES",
  "MANAGE_INTEGRATIONS",
]);

export function isSeededRole(name: string): boolean {
  return SEEDED_ROLES.has(name);
}

export function isBuiltInPermission(name: string): boolean {
  return BUILT_IN_PERMISSIONS.has(name);
}
