import { expect, test } from "vitest";

import { addressOf, mosquitto, nodeRed, shellWord } from "@/features/integrations/recipes";
import { firstPage, openPages } from "@/features/shell/pages";
import type { IssuedIntegration } from "@/lib/api/integrations";

const MADE: IssuedIntegration = {
  name: "erp",
  topics: ["telemetry/+/live", "it's/odd"],
  expiresAt: 0,
  clientId: "int:1",
  username: "integration:erp",
  password: "token",
  mqttsUrl: "mqtts://broker.example.com",
  wssUrl: "",
  wsUrl: "",
  caPem: "",
};

test.each([
  ["mqtts://127.0.0.1:9883", { host: "127.0.0.1", port: 9883 }],
  ["mqtts://broker.example.com", { host: "broker.example.com", port: 8883 }],
  ["mqtts://broker.example.com:443", { host: "broker.example.com", port: 443 }],
  ["mqtts://broker.example.com:443/", { host: "broker.example.com", port: 443 }],
])("addressOf_%s", (url, address) => expect(addressOf(url)).toEqual(address));

test("a_quote_in_a_topic_stays_inside_its_shell_word", () => {
  expect(shellWord("it's/odd")).toBe(`'it'\\''s/odd'`);
  expect(mosquitto(MADE)).toContain(`-t 'it'\\''s/odd'`);
});

test("nodeRed_without_a_certificate_names_the_file", () => {
  const nodes = JSON.parse(nodeRed(MADE)) as { type: string; ca?: string; credentials?: unknown }[];
  expect(nodes.find((each) => each.type === "tls-config")).toMatchObject({ ca: "ca.pem" });
  expect(nodes.filter((each) => each.type === "mqtt in")).toHaveLength(2);
});

test.each([
  [["VIEW_DASHBOARD", "VIEW_LOGS"], "/live/"],
  [["MANAGE_DEVICES"], "/devices/"],
  [["MANAGE_ROLES"], "/users/"],
  [["VIEW_LOGS"], "/logs/"],
  [["DESKTOP_LOGIN"], "/live/"],
])("firstPage_with_%s", (permissions, first) => expect(firstPage(new Set(permissions))).toBe(first));

test("openPages_without_a_permission_are_none", () => expect(openPages(new Set(["DESKTOP_LOGIN"]))).toEqual([]));
