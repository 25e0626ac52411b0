// @vitest-environment jsdom

/** The windows of the device pages while the server takes its time. */

import { cleanup, fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { EnrollDialog } from "@/features/devices/enroll-dialog";
import { RevokeDialog } from "@/features/devices/revoke-dialog";
import { renderAdministration, SlowApi } from "../support/administration";

let api: SlowApi;

beforeEach(() => {
  api = new SlowApi();
});
afterEach(cleanup);

function escape(): void {
  fireEvent.keyDown(document.activeElement ?? document.body, { key: "Escape" });
}

it("shows whose password hashes a revoked device may hold, though somebody wants to leave, and waits for no list", async () => {
  const onClose = vi.fn();
  renderAdministration(<RevokeDialog clientId="press-1" onClose={onClose} />, api);
  fireEvent.click(screen.getByTestId("confirm"));
  await waitFor(() => expect(api.calls("DELETE", "/devices/press-1")).toHaveLength(1));
  escape();
  expect(onClose).not.toHaveBeenCalled();
  api.answer("DELETE", "/devices/press-1", { people: ["ann"] });
  expect((await screen.findByTestId("revoked-people")).textContent).toBe("ann");
});

it("shows an enrollment code, though somebody wants to leave while it is made", async () => {
  const onClose = vi.fn();
  renderAdministration(<EnrollDialog clientId="" onClose={onClose} />, api);
  fireEvent.click(screen.getByTestId("make-code"));
  await waitFor(() => expect(api.calls("POST", "/devices/enrollment-codes")).toHaveLength(1));
  escape();
  expect(onClose).not.toHaveBeenCalled();
  api.answer("POST", "/devices/enrollment-codes", { code: "a-code", expires_at: new Date(Date.now() + 60_000).toISOString() });
  expect((await screen.findByTestId("enroll-code")).textContent).toBe("a-code");
  escape();
  expect(screen.getByTestId("leaving").textContent).toContain("cannot be shown again");
});
