import type { Metadata } from "next";
import type { ReactElement } from "react";

import { UsersPage } from "@/features/access/users-page";

export const metadata: Metadata = { title: "Users" };

export default function Users(): ReactElement {
  return <UsersPage />;
}
