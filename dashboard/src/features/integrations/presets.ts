/** What other programs mostly want to read, as topic filters. */

import { buildTopic } from "@/contract/topics";

export interface Preset {
  readonly label: string;
  readonly hint: string;
  readonly topics: readonly string[];
}

export const PRESETS: readonly Preset[] = [
  { label: "All live readings", hint: "Every device, as it measures", topics: [buildTopic("TELEMETRY_LIVE", { client_id: "+" })] },
  { label: "Readings that were delayed", hint: "What devices recorded while they were offline", topics: [buildTopic("TELEMETRY_BUFFERED", { client_id: "+" })] },
  { label: "Heartbeats", hint: "Which devices are there, and how much waits on them", topics: [buildTopic("HEARTBEAT", { client_id: "+" })] },
  { label: "State of the services", hint: "Whether API and archive are well", topics: [buildTopic("SERVICE_STATUS", { service: "+", instance: "+" })] },
  { label: "Results of commands", hint: "What devices answer to commands", topics: [buildTopic("COMMAND_RESULT", { client_id: "+" })] },
  { label: "Commands", hint: "Who told which device what", topics: [buildTopic("AUDIT_COMMAND", {})] },
];

/** Every reading of one device. */
export function deviceTopics(clientId: string): readonly string[] {
  return [buildTopic("TELEMETRY_LIVE", { client_id: clientId }), buildTopic("TELEMETRY_BUFFERED", { client_id: clientId })];
}

export function withTopics(chosen: readonly string[], added: readonly string[]): readonly string[] {
  return [...new Set([...chosen, ...added])];
}

export function withoutTopics(chosen: readonly string[], removed: readonly string[]): readonly string[] {
  return chosen.filter((each) => !removed.includes(each));
}
