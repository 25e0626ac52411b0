// Generated from acl/ by `python -m pulse_acl.generate`; do not edit.
// Every topic of PrecisionPulse: templates, what they carry, how they are put together and taken apart.

/** The templates by name. */
export const TOPIC_TEMPLATES = {
  TELEMETRY_LIVE: "telemetry/{client_id}/live",
  TELEMETRY_BUFFERED: "telemetry/{client_id}/buffered",
  RECEIPT: "archive/{client_id}/receipt",
  HEARTBEAT: "heartbeat/{client_id}",
  COMMAND_FORCE_SYNC: "command/{client_id}/force_sync",
  COMMAND_UPDATE_CONFIG: "command/{client_id}/update_config",
  COMMAND_RELOAD: "command/{client_id}/reload",
  COMMAND_RESULT: "command/{client_id}/result",
  SYNC_USER_CREATE: "sync/user/create/{client_id}",
  SYNC_USER_UPDATE: "sync/user/update/{client_id}",
  SYNC_USER_DELETE: "sync/user/delete/{client_id}",
  SYNC_RBAC_UPDATE: "sync/rbac/update/{client_id}",
  SYNC_CONFIG_UPDATE: "sync/config/update/{client_id}",
  SYNC_STATE: "sync/device/{client_id}/state",
  SYNC_CHANGES: "sync/device/{client_id}/changes",
  SYNC_REQUEST: "sync/device/{client_id}/request",
  AUDIT_COMMAND: "audit/command",
  SERVICE_STATUS: "system/{service}/{instance}/status",
} as const;

export type TopicName = keyof typeof TOPIC_TEMPLATES;

/** The payload that each topic carries; see payloads.ts. */
export const TOPIC_PAYLOADS = {
  TELEMETRY_LIVE: "Reading",
  TELEMETRY_BUFFERED: "ReadingBatch",
  RECEIPT: "Receipt",
  HEARTBEAT: "Heartbeat",
  COMMAND_FORCE_SYNC: "Command",
  COMMAND_UPDATE_CONFIG: "Command",
  COMMAND_RELOAD: "Command",
  COMMAND_RESULT: "CommandResult",
  SYNC_USER_CREATE: "SyncEnvelope",
  SYNC_USER_UPDATE: "SyncEnvelope",
  SYNC_USER_DELETE: "SyncEnvelope",
  SYNC_RBAC_UPDATE: "SyncEnvelope",
  SYNC_CONFIG_UPDATE: "SyncEnvelope",
  SYNC_STATE: "SyncEnvelope",
  SYNC_CHANGES: "SyncEnvelope",
  SYNC_REQUEST: "SyncRequest",
  AUDIT_COMMAND: "AuditRecord",
  SERVICE_STATUS: "ServiceStatus",
} as const;

/** Whether messages are retained. */
export const TOPIC_RETAINED = {
  TELEMETRY_LIVE: false,
  TELEMETRY_BUFFERED: false,
  RECEIPT: false,
  HEARTBEAT: true,
  COMMAND_FORCE_SYNC: false,
  COMMAND_UPDATE_CONFIG: false,
  COMMAND_RELOAD: false,
  COMMAND_RESULT: false,
  SYNC_USER_CREATE: false,
  SYNC_USER_UPDATE: false,
  SYNC_USER_DELETE: false,
  SYNC_RBAC_UPDATE: false,
  SYNC_CONFIG_UPDATE: false,
  SYNC_STATE: false,
  SYNC_CHANGES: false,
  SYNC_REQUEST: false,
  AUDIT_COMMAND: false,
  SERVICE_STATUS: true,
} as const;

/** What a topic's placeholders are filled with. */
export interface TopicParams {
  TELEMETRY_LIVE: { readonly client_id: string };
  TELEMETRY_BUFFERED: { readonly client_id: string };
  RECEIPT: { readonly client_id: string };
  HEARTBEAT: { readonly client_id: string };
  COMMAND_FORCE_SYNC: { readonly client_id: string };
  COMMAND_UPDATE_CONFIG: { readonly client_id: string };
  COMMAND_RELOAD: { readonly client_id: string };
  COMMAND_RESULT: { readonly client_id: string };
  SYNC_USER_CREATE: { readonly client_id: string };
  SYNC_USER_UPDATE: { readonly client_id: string };
  SYNC_USER_DELETE: { readonly client_id: string };
  SYNC_RBAC_UPDATE: { readonly client_id: string };
  SYNC_CONFIG_UPDATE: { readonly client_id: string };
  SYNC_STATE: { readonly client_id: string };
  SYNC_CHANGES: { readonly client_id: string };
  SYNC_REQUEST: { readonly client_id: string };
  AUDIT_COMMAND: Readonly<Record<never, string>>;
  SERVICE_STATUS: { readonly service: string; readonly instance: string };
}

/** A concrete topic taken apart. */
export type ParsedTopic = {
  [N in TopicName]: { readonly name: N; readonly params: TopicParams[N] };
}[TopicName];

const DEVICE_ID = /^[A-Za-z0-9._-]{1,64}$/u;

/** Tells whether `text` is 1 to 64 of `A-Z a-z 0-9 . _ -`, the form of device ids and instances. */
export function isDeviceId(text: string): boolean {
  return DEVICE_ID.test(text);
}

/**
 * Builds a concrete topic, or a filter when a value is `+`.
 *
 * @throws RangeError when a value is neither a device id nor `+`.
 */
export function buildTopic<N extends TopicName>(name: N, params: TopicParams[N]): string {
  const values = new Map<string, string>(Object.entries(params));
  return TOPIC_TEMPLATES[name].replace(/\{(\w+)\}/gu, (_whole, key: string) => {
    const value = values.get(key) ?? "";
    if (value !== "+" && !isDeviceId(value)) {
      throw new RangeError(`${key} is not 1 to 64 of A-Z a-z 0-9 . _ -`);
    }
    return value;
  });
}

const PARSERS: readonly { readonly name: TopicName; readonly pattern: RegExp }[] = [
  { name: "TELEMETRY_LIVE", pattern: /^telemetry\/(?<client_id>[^/]+)\/live$/u },
  { name: "TELEMETRY_BUFFERED", pattern: /^telemetry\/(?<client_id>[^/]+)\/buffered$/u },
  { name: "RECEIPT", pattern: /^archive\/(?<client_id>[^/]+)\/receipt$/u },
  { name: "HEARTBEAT", pattern: /^heartbeat\/(?<client_id>[^/]+)$/u },
  { name: "COMMAND_FORCE_SYNC", pattern: /^command\/(?<client_id>[^/]+)\/force_sync$/u },
  { name: "COMMAND_UPDATE_CONFIG", pattern: /^command\/(?<client_id>[^/]+)\/update_config$/u },
  { name: "COMMAND_RELOAD", pattern: /^command\/(?<client_id>[^/]+)\/reload$/u },
  { name: "COMMAND_RESULT", pattern: /^command\/(?<client_id>[^/]+)\/result$/u },
  { name: "SYNC_USER_CREATE", pattern: /^sync\/user\/create\/(?<client_id>[^/]+)$/u },
  { name: "SYNC_USER_UPDATE", pattern: /^sync\/user\/update\/(?<client_id>[^/]+)$/u },
  { name: "SYNC_USER_DELETE", pattern: /^sync\/user\/delete\/(?<client_id>[^/]+)$/u },
  { name: "SYNC_RBAC_UPDATE", pattern: /^sync\/rbac\/update\/(?<client_id>[^/]+)$/u },
  { name: "SYNC_CONFIG_UPDATE", pattern: /^sync\/config\/update\/(?<client_id>[^/]+)$/u },
  { name: "SYNC_STATE", pattern: /^sync\/device\/(?<client_id>[^/]+)\/state$/u },
  { name: "SYNC_CHANGES", pattern: /^sync\/device\/(?<client_id>[^/]+)\/changes$/u },
  { name: "SYNC_REQUEST", pattern: /^sync\/device\/(?<client_id>[^/]+)\/request$/u },
  { name: "AUDIT_COMMAND", pattern: /^audit\/command$/u },
  { name: "SERVICE_STATUS", pattern: /^system\/(?<service>[^/]+)\/(?<instance>[^/]+)\/status$/u },
];

/** Takes a topic apart; `null` when it is none of ours or carries a malformed id. */
export function parseTopic(topic: string): ParsedTopic | null {
  for (const { name, pattern } of PARSERS) {
    const found = pattern.exec(topic);
    if (found !== null) {
      const params = { ...found.groups };
      // The pattern's groups are the template's placeholders, so the pair fits together.
      return Object.values(params).every(isDeviceId) ? ({ name, params } as ParsedTopic) : null;
    }
  }
  return null;
}
