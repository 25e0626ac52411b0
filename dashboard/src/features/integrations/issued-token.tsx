"use client";

import { useState, type ReactElement, type ReactNode } from "react";

import { Button } from "@/components/ui/button";
import { Copyable } from "@/components/ui/copyable";
import { DialogBody, DialogFooter } from "@/components/ui/dialog";
import { Notice } from "@/components/ui/notice";
import { LeavingLoses, type ShownOnce } from "@/components/ui/shown-once";
import { Tabs } from "@/components/ui/tabs";
import { formatDay } from "@/features/integrations/life";
import { mosquitto, mqttx, mqttxFields, nodeRed, python, saveToken } from "@/features/integrations/recipes";
import { CA_CERTIFICATE, type IssuedIntegration } from "@/lib/api/integrations";

type Tool = "mosquitto" | "mqttx" | "node-red" | "python";

interface IssuedTokenProps {
  readonly made: IssuedIntegration;
  readonly once: ShownOnce;
  readonly onDone: () => void;
}

/** The token, shown this once, with what the usual tools need to connect. */
export function IssuedToken({ made, once, onDone }: IssuedTokenProps): ReactElement {
  const [tool, setTool] = useState<Tool>("mosquitto");
  return (
    <>
      <DialogBody>
        <Notice tone="warn">
          <strong className="font-semibold">This token is shown once and kept nowhere.</strong> Store it now, like a password. If it is lost, revoke this integration and make another.
        </Notice>
        <Copyable label="token" text={made.password} testId="integration-token" />
        <Facts made={made} />
        <Tabs
          label="Tool"
          value={tool}
          onChange={setTool}
          tabs={[
            { value: "mosquitto", label: "mosquitto_sub", content: <InShell made={made} what="Reads in a terminal" command={mosquitto(made)} testId="recipe-mosquitto" /> },
            { value: "mqttx", label: "MQTTX", content: <Mqttx made={made} /> },
            { value: "node-red", label: "Node-RED", content: <NodeRed made={made} /> },
            { value: "python", label: "Python", content: <InShell made={made} what="Needs paho-mqtt 2 (pip install paho-mqtt); run it beside the two files" command={python(made)} testId="recipe-python" /> },
          ]}
        />
      </DialogBody>
      <DialogFooter>
        <LeavingLoses what="The token" once={once} />
        <Button tone="primary" onClick={onDone} data-testid="token-stored">
          I have stored it
        </Button>
      </DialogFooter>
    </>
  );
}

function Facts({ made }: { readonly made: IssuedIntegration }): ReactElement {
  const facts: readonly (readonly [string, string])[] = [
    ["Client ID", made.clientId],
    ["User name", made.username],
    ["TLS", made.mqttsUrl],
    ["WebSockets", made.wssUrl],
    ["Runs out", formatDay(made.expiresAt)],
  ];
  return (
    <div className="grid gap-2 text-[13px]">
      <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1">
        {facts.map(([name, value]) => (
          <div key={name} className="contents">
            <dt className="text-muted">{name}</dt>
            <dd className="num break-all">{value}</dd>
          </div>
        ))}
      </dl>
      <p className="text-xs leading-relaxed text-faint">
        One connection at a time, under exactly this client ID. MQTT 3.1.1 works with every broker of PrecisionPulse, 5.0 only with EMQX. The broker&rsquo;s certificate is checked
        with{" "}
        <a href={CA_CERTIFICATE} download="ca.pem" className="text-accent underline underline-offset-2">
          ca.pem
        </a>
        .
      </p>
    </div>
  );
}

function Step({ children }: { readonly children: ReactNode }): ReactElement {
  return <p className="text-[13px] text-muted">{children}</p>;
}

interface InShellProps {
  readonly made: IssuedIntegration;
  readonly what: string;
  readonly command: string;
  readonly testId: string;
}

function InShell({ made, what, command, testId }: InShellProps): ReactElement {
  return (
    <div className="grid gap-2">
      <Step>First, once: the token and the authority&rsquo;s certificate go into files that only you can read.</Step>
      <Copyable label="commands that make the files" text={saveToken(made, window.location.origin + CA_CERTIFICATE)} testId={`${testId}-files`} />
      <Step>{`${what}:`}</Step>
      <Copyable label="command" text={command} testId={testId} />
    </div>
  );
}

function Mqttx({ made }: { readonly made: IssuedIntegration }): ReactElement {
  return (
    <div className="grid gap-3">
      <Step>In the window, a new connection with these values; then a subscription for each topic, QoS 1:</Step>
      <dl data-testid="recipe-mqttx-fields" className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1 rounded-md border bg-bg p-3 text-xs">
        {mqttxFields(made).map(([name, value]) => (
          <div key={name} className="contents">
            <dt className="text-muted">{name}</dt>
            <dd className="break-all">{value}</dd>
          </div>
        ))}
        <dt className="text-muted">Topics</dt>
        <dd className="break-all">{made.topics.join(", ")}</dd>
      </dl>
      <InShell made={made} what="Or with MQTTX CLI" command={mqttx(made)} testId="recipe-mqttx" />
    </div>
  );
}

function NodeRed({ made }: { readonly made: IssuedIntegration }): ReactElement {
  return (
    <div className="grid gap-2">
      <Step>Menu, Import, paste, Deploy. It holds the token{made.caPem === "" ? "; set the file ca.pem in its TLS configuration" : " and the certificate"}.</Step>
      <Copyable label="flow" text={nodeRed(made)} testId="recipe-node-red" />
    </div>
  );
}
