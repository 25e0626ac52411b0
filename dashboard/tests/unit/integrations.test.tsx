// @vitest-environment jsdom

/** The integrations page while the server takes its time, and on a computer whose clock is wrong. */

import { cleanup, fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";

import { CreateDialog } from "@/features/integrations/create-dialog";
import { IntegrationsPage } from "@/features/integrations/integrations-page";
import { renderAdministration, SlowApi } from "../support/administration";

afterEach(cleanup);

it("stays while its token is on the way: nobody would ever see it", async () => {
  const api = new SlowApi();
  const onClose = vi.fn();
  renderAdministration(<CreateDialog onClose={onClose} />, api);
  fireEvent.change(screen.getByTestId("integration-name"), { target: { value: "erp" } });
  await waitFor(() => {
    while (api.asked[0]?.call.path.startsWith("/acl/explain") === true) {
      api.answer("GET", api.asked[0].call.path, { allowed: true });
    }
    expect(screen.queryAllByTestId("topic-preset")).not.toHaveLength(0);
  });
  fireEvent.click(screen.getByLabelText("All live readings"));
  fireEvent.click(screen.getByTestId("integration-create"));
  await waitFor(() => expect(api.calls("POST", "/integrations")).toHaveLength(1));
  fireEvent.keyDown(document.activeElement ?? document.body, { key: "Escape" });
  expect(onClose).not.toHaveBeenCalled();
});

it("calls a token expired and offers to revoke it by the server's clock, not by this computer's", async () => {
  const HOUR_MS = 3_600_000;
  const api = new SlowApi();
  renderAdministration(<IntegrationsPage />, api);
  await waitFor(() => expect(api.asked).toHaveLength(1));
  const serverNow = Date.now() - 48 * HOUR_MS;
  const at = (ms: number): string => new Date(serverNow + ms).toISOString();
  const times = { created_at: at(-HOUR_MS), expires_at: at(25 * HOUR_MS), ended_at: null, ended_by: null, end_reason: null };
  const erp = { id: "7", name: "erp", topics: ["heartbeat/+"], client_id: "pp-int-erp", state: "running", created_by: "user:admin", ...times };
  api.answer("GET", api.asked[0]?.call.path ?? "", { items: [erp], next: null }, serverNow);
  await waitFor(() => expect(screen.getByTestId("integration").textContent).toContain("Expires in 1 d"));
  expect(screen.getByTestId("integration-revoke").textContent).toBe("Revoke");
});
