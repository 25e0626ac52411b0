"use client";

import { Plug, Plus } from "lucide-react";
import { useState, type ReactElement } from "react";

import { Button } from "@/components/ui/button";
import { Confirm } from "@/components/ui/confirm";
import { DataTable, type Column } from "@/components/ui/data-table";
import { Page } from "@/components/ui/page";
import { Empty, Panel } from "@/components/ui/panel";
import { Tag } from "@/components/ui/tag";
import { CreateDialog } from "@/features/integrations/create-dialog";
import { formatDay, lifeOf, type Life } from "@/features/integrations/life";
import { Allowed } from "@/features/shell/allowed";
import { INTEGRATIONS, readIntegration, revokeIntegration, type Integration } from "@/lib/api/integrations";
import { useEachSecond, useEngine } from "@/lib/engine/hooks";
import { useChange, useList } from "@/lib/query/hooks";
import { formatDateTime } from "@/lib/values/format";
import { principalText } from "@/lib/values/principal";

const REFETCH_MS = 30_000;

/** Tokens of other programs: who made them, what they read, until when. */
export function IntegrationsPage(): ReactElement {
  return (
    <Allowed permissions={["MANAGE_INTEGRATIONS"]}>
      <Integrations />
    </Allowed>
  );
}

function Integrations(): ReactElement {
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<Integration | null>(null);
  const list = useList(INTEGRATIONS, readIntegration, { refetchMs: REFETCH_MS });
  const create = (
    <Button tone="primary" onClick={() => setCreating(true)} data-testid="integration-new">
      <Plus aria-hidden />
      New integration
    </Button>
  );
  return (
    <Page title="Integrations" lead="Tokens with which other programs read along over MQTT: mosquitto_sub, MQTTX, Node-RED, or your own." actions={create}>
      <Panel>
        <DataTable
          label="Integrations"
          columns={columns(setRevoking)}
          list={list}
          rowKey={(row) => row.id}
          rowTestId="integration"
          empty={
            <Empty icon={<Plug aria-hidden />} title="No program reads along yet">
              Make an integration with &ldquo;New integration&rdquo;: it gives one program a token that opens exactly the topics you choose.
            </Empty>
          }
        />
      </Panel>
      {creating && <CreateDialog onClose={() => setCreating(false)} />}
      {revoking !== null && <Revoke integration={revoking} onClose={() => setRevoking(null)} />}
    </Page>
  );
}

function columns(onRevoke: (integration: Integration) => void): readonly Column<Integration>[] {
  return [
    { key: "name", header: "Name", cell: (row) => <Name integration={row} /> },
    { key: "state", header: "State", cell: (row) => <State integration={row} /> },
    { key: "topics", header: "Topics", wrap: true, hiddenBelow: "md", cell: (row) => <Topics topics={row.topics} /> },
    { key: "made", header: "Issued", hiddenBelow: "lg", cell: (row) => <When at={row.createdAt} by={row.createdBy} /> },
    { key: "expires", header: "Expires", hiddenBelow: "sm", cell: (row) => <span title={formatDateTime(row.expiresAt)}>{formatDay(row.expiresAt)}</span> },
    { key: "ended", header: "Ended", hiddenBelow: "xl", cell: (row) => <Ended integration={row} /> },
    { key: "actions", header: <span className="sr-only">Actions</span>, align: "right", cell: (row) => <Actions integration={row} onRevoke={onRevoke} /> },
  ];
}

function Name({ integration }: { readonly integration: Integration }): ReactElement {
  return (
    <>
      <p className="max-w-52 truncate font-medium" title={integration.name}>
        {integration.name}
      </p>
      <p className="max-w-52 truncate text-xs text-faint max-sm:hidden" title={integration.clientId}>
        {integration.clientId}
      </p>
    </>
  );
}

function State({ integration }: { readonly integration: Integration }): ReactElement {
  const { api } = useEngine();
  const lifeAt = (now: number): Life => lifeOf(integration, now === 0 ? null : api.toLocal(integration.expiresAt) - now);
  const label = useEachSecond((now) => lifeAt(now).label);
  const tone = useEachSecond((now) => lifeAt(now).tone);
  return (
    <>
      <Tag tone={tone}>{label}</Tag>
      <p className="mt-1 text-xs text-muted sm:hidden">until {formatDay(integration.expiresAt)}</p>
    </>
  );
}

function Topics({ topics }: { readonly topics: readonly string[] }): ReactElement {
  return (
    <ul className="font-mono text-xs leading-5">
      {topics.map((topic) => (
        <li key={topic} className="break-all">
          {topic}
        </li>
      ))}
    </ul>
  );
}

function When({ at, by }: { readonly at: number; readonly by: string }): ReactElement {
  return (
    <span title={formatDateTime(at)}>
      {formatDay(at)} <span className="text-muted">by {principalText(by)}</span>
    </span>
  );
}

function Ended({ integration }: { readonly integration: Integration }): ReactElement {
  const { endedAt, endedBy, endReason } = integration;
  if (endedAt === null) {
    return <span className="text-faint">–</span>;
  }
  return (
    <span title={formatDateTime(endedAt)}>
      {formatDay(endedAt)}
      {endedBy !== null && <span className="text-muted"> by {principalText(endedBy)}</span>}
      {endReason !== null && <span className="block max-w-60 truncate text-xs text-muted">{endReason}</span>}
    </span>
  );
}

function Actions({ integration, onRevoke }: { readonly integration: Integration; readonly onRevoke: (integration: Integration) => void }): ReactElement | null {
  // The server's word, not a clock's: what it calls running can be revoked.
  if (integration.state !== "running") {
    return null;
  }
  return (
    <Button tone="danger" size="small" aria-label={`Revoke ${integration.name}`} onClick={() => onRevoke(integration)} data-testid="integration-revoke">
      Revoke
    </Button>
  );
}

function Revoke({ integration, onClose }: { readonly integration: Integration; readonly onClose: () => void }): ReactElement {
  const revoke = useChange((send, id: string) => revokeIntegration(send, id), [INTEGRATIONS]);
  return (
    <Confirm
      open
      onClose={onClose}
      title={`Revoke ${integration.name}?`}
      action="Revoke integration"
      busy={revoke.isPending}
      trouble={revoke.error?.message ?? ""}
      onConfirm={() => revoke.mutate(integration.id, { onSuccess: onClose })}
    >
      The program that uses this token is cut off from the broker at once and cannot connect with it again. Nothing else changes, and no reading is lost. This cannot be undone; the
      program then needs a new integration.
    </Confirm>
  );
}
