/**
 * Ready-made commands for the tools that people connect with, filled in with the address and the credentials.
 *
 * All speak MQTT 3.1.1, which every broker of PrecisionPulse does, over TLS. The token stands in a file where a tool
 * can read one, so that it appears neither in a program's text nor in the shell's history a second time.
 */

import type { IssuedIntegration } from "@/lib/api/integrations";

const MQTTS_PORT = 8883;

export interface Address {
  readonly host: string;
  readonly port: number;
}

export function addressOf(mqttsUrl: string): Address {
  // Browsers read unknown schemes without a host; the port is what it says or the standard one.
  const url = new URL(mqttsUrl.replace(/^mqtts:/u, "https:"));
  const isStandard = url.port === "";
  return { host: url.hostname, port: isStandard ? (/:443(\/|$)/u.test(mqttsUrl) ? 443 : MQTTS_PORT) : Number(url.port) };
}

/** *text* as one word of a POSIX shell. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function tokenFile(made: IssuedIntegration): string {
  return `${made.name}.token`;
}

export function saveToken(made: IssuedIntegration, caUrl: string): string {
  return [
    "umask 077",
    `printf %s ${shellWord(made.password)} > ${shellWord(tokenFile(made))}`,
    `curl -fsS -o ca.pem ${shellWord(caUrl)}`,
  ].join("\n");
}

export function mosquitto(made: IssuedIntegration): string {
  const { host, port } = addressOf(made.mqttsUrl);
  return [
    `mosquitto_sub -h ${shellWord(host)} -p ${port} --cafile ca.pem -V 311 -q 1 -v`,
    `  -i ${shellWord(made.clientId)} -u ${shellWord(made.username)}`,
    `  -P "$(cat ${shellWord(tokenFile(made))})"`,
    ...made.topics.map((topic) => `  -t ${shellWord(topic)}`),
  ].join(" \\\n");
}

export function mqttx(made: IssuedIntegration): string {
  const { host, port } = addressOf(made.mqttsUrl);
  return [
    `mqttx sub -h ${shellWord(host)} -p ${port} -l mqtts --ca ca.pem -V 3.1.1 -q 1`,
    `  -i ${shellWord(made.clientId)} -u ${shellWord(made.username)}`,
    `  -P "$(cat ${shellWord(tokenFile(made))})"`,
    `  -t ${made.topics.map(shellWord).join(" ")}`,
  ].join(" \\\n");
}

/** What is typed into the window of MQTTX, in its order. */
export function mqttxFields(made: IssuedIntegration): readonly (readonly [string, string])[] {
  const { host, port } = addressOf(made.mqttsUrl);
  return [
    ["Name", made.name],
    ["Host", `mqtts:// ${host}`],
    ["Port", String(port)],
    ["Client ID", made.clientId],
    ["Username", made.username],
    ["Password", "the token"],
    ["SSL/TLS", "on"],
    ["Certificate", "CA or self signed, CA file: ca.pem"],
    ["MQTT version", "3.1.1"],
    ["Clean session", "on"],
  ];
}

/** Node-RED keeps an uploaded certificate among the credentials; without one it reads a file of its machine. */
function authority({ caPem }: IssuedIntegration): object {
  return caPem === "" ? { ca: "ca.pem", caname: "" } : { ca: "", caname: "ca.pem", credentials: { cadata: caPem } };
}

/** A flow for Node-RED's "Import": one input for each topic, and a debug node that shows what comes. */
export function nodeRed(made: IssuedIntegration): string {
  const { host, port } = addressOf(made.mqttsUrl);
  const id = (name: string): string => `pulse-${made.name}-${name}`;
  const inputs = made.topics.map((topic, at) => ({
    id: id(`in-${at}`), type: "mqtt in", z: id("flow"), name: topic, topic, qos: "1", datatype: "json", broker: id("broker"),
    inputs: 0, x: 200, y: 80 + 60 * at, wires: [[id("debug")]],
  }));
  const flow = [
    { id: id("flow"), type: "tab", label: `PrecisionPulse ${made.name}` },
    { id: id("tls"), type: "tls-config", name: "PrecisionPulse", cert: "", key: "", certname: "", keyname: "", servername: "", verifyservercert: true, ...authority(made) },
    {
      id: id("broker"), type: "mqtt-broker", name: "PrecisionPulse", broker: host, port: String(port), tls: id("tls"), clientid: made.clientId,
      autoConnect: true, usetls: true, protocolVersion: "4", keepalive: "30", cleansession: true, autoUnsubscribe: true,
      credentials: { user: made.username, password: made.password },
    },
    ...inputs,
    { id: id("debug"), type: "debug", z: id("flow"), name: "readings", active: true, tosidebar: true, complete: "true", x: 480, y: 80, wires: [] },
  ];
  return JSON.stringify(flow, null, 1);
}

/** For paho-mqtt 2. */
export function python(made: IssuedIntegration): string {
  const { host, port } = addressOf(made.mqttsUrl);
  const quoted = (text: string): string => JSON.stringify(text);
  return [
    "from pathlib import Path",
    "",
    "import paho.mqtt.client as mqtt",
    "",
    `TOPICS = [${made.topics.map((topic) => `(${quoted(topic)}, 1)`).join(", ")}]`,
    "",
    "",
    "def on_connect(client, _userdata, _flags, reason_code, _properties):",
    '    print("connected:", reason_code, flush=True)',
    "    client.subscribe(TOPICS)",
    "",
    "",
    "def on_message(_client, _userdata, message):",
    "    print(message.topic, message.payload.decode(), flush=True)",
    "",
    "",
    `client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, ${quoted(made.clientId)}, protocol=mqtt.MQTTv311)`,
    `client.username_pw_set(${quoted(made.username)}, Path(${quoted(tokenFile(made))}).read_text())`,
    'client.tls_set("ca.pem")',
    "client.on_connect = on_connect",
    "client.on_message = on_message",
    `client.connect(${quoted(host)}, ${port}, keepalive=30)`,
    "client.loop_forever()",
  ].join("\n");
}
