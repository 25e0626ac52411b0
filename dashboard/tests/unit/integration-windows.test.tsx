// @vitest-environment jsdom

/** The window that makes an integration. */

import { cleanup, fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";

import { CreateDialog } from "@/features/integrations/create-dialog";
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
