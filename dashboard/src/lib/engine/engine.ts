/**
 * Wires the dashboard's parts together, once for a page: session, broker link, inbox, stores, refetching.
 *
 * React reads the stores through lib/engine/hooks.ts and owns nothing of this. Read next: link.ts (connection),
 * feed.ts (what a message does to the stores), refetch.ts (what is fetched when).
 */

import { tokenFetcher, type FetchToken } from "@/lib/api/broker-token";
import { history } from "@/lib/api/endpoints";
import { ObservedApi } from "@/lib/api/observed";
import { sendHttp } from "@/lib/api/http";
import { Session } from "@/lib/api/session";
import { BrowserTabs } from "@/lib/api/tab-share";
import { ApiWatch } from "@/lib/engine/api-watch";
import { Feed } from "@/lib/engine/feed";
import { Journal } from "@/lib/engine/journal";
import { LogReader } from "@/lib/engine/log-reader";
import { Refetcher } from "@/lib/engine/refetch";
import { SparkFiller } from "@/lib/engine/sparks";
import { buildTopic } from "@/contract/topics";
import { FlowControl, channelYield } from "@/lib/mqtt/flow";
import { grantedFilters } from "@/lib/mqtt/granted";
import { Inbox } from "@/lib/mqtt/inbox";
import { BrokerLink, type LinkState } from "@/lib/mqtt/link";
import { startWorker, workerConnections } from "@/lib/mqtt/worker-connection";
import { BacklogStore } from "@/lib/store/backlog";
import { ChartStore } from "@/lib/store/chart";
import { CommandStore } from "@/lib/store/commands";
import { DeviceStore } from "@/lib/store/devices";
import { EventStore } from "@/lib/store/events";
import { RateMeter } from "@/lib/store/rate";
import { ServiceStore, serviceState } from "@/lib/store/services";
import { TileStore } from "@/lib/store/tiles";
import { TroubleStore } from "@/lib/store/troubles";
import { ValueStore } from "@/lib/store/value-store";
import { systemClock } from "@/lib/time/clock";

export const DEFAULT_RANGE_MS = 15 * 60_000;
const VIEW = "VIEW_DASHBOARD";
const VIEW_LOGS = "VIEW_LOGS";
const LIVE_FILTERS = [
  buildTopic("TELEMETRY_LIVE", { client_id: "+" }),
  buildTopic("HEARTBEAT", { client_id: "+" }),
  buildTopic("COMMAND_RESULT", { client_id: "+" }),
  buildTopic("SERVICE_STATUS", { service: "+", instance: "+" }),
];

const AUDIT_FILTER = buildTopic("AUDIT_COMMAND", {});
const CALM_MS = 300;

const nextFrame = (run: () => void): void => void requestAnimationFrame(run);
/** For lists that nobody reads faster: a few times a second. */
const calmFrame = (run: () => void): void => void systemClock.after(CALM_MS, () => nextFrame(run));

export class Engine {
  readonly session = new Session(sendHttp, systemClock, new BrowserTabs(systemClock));
  readonly api = new ObservedApi(this.session.send, systemClock);
  readonly troubles = new TroubleStore();
  readonly tiles = new TileStore(nextFrame);
  readonly devices = new DeviceStore(nextFrame, calmFrame);
  readonly services = new ServiceStore();
  readonly commands = new CommandStore();
  readonly events = new EventStore(calmFrame);
  readonly backlog = new BacklogStore();
  readonly messageRate = new RateMeter();
  readonly chart = new ChartStore((chosen, span) => history(this.api.send, chosen, span), () => this.api.serverNow(), nextFrame, DEFAULT_RANGE_MS);
  readonly sparks = new SparkFiller(this.api.send, this.tiles, () => this.api.serverNow());
  readonly feed = new Feed(this, systemClock);
  readonly journal = new Journal(this, systemClock);
  readonly inbox = new Inbox(this.journal);
  readonly logReader = new LogReader(this.api, this.events, systemClock);
  readonly link: BrokerLink;
  readonly linkState: ValueStore<LinkState>;
  readonly refetcher: Refetcher;
  readonly #apiWatch = new ApiWatch(this, systemClock);
  #person = "";
  #seesLive = false;
  #seesLogs = false;

  constructor() {
    const flow = new FlowControl(channelYield());
    const open = workerConnections(startWorker);
    this.link = new BrokerLink({
      clock: systemClock,
      random: Math.random,
      fetchToken: this.#tokens(),
      open: (token, filters, events) => open(token, grantedFilters(filters, token.subscribable ?? filters), events),
      onState: (state) => this.#linkChanged(state),
      onMessage: (message, done) => {
        this.messageRate.count(systemClock.now());
        this.inbox.receive(message);
        flow.handled(done);
      },
    });
    this.linkState = new ValueStore(this.link.state);
    this.refetcher = new Refetcher(this, systemClock);
  }

  /** Starts everything; returns what ends it. */
  start(): () => void {
    const unsubscribe = [
      this.session.state.subscribe(() => this.#sessionChanged()),
      this.chart.view.subscribe(() => this.link.setFilters(this.#filters())),
      this.api.state.subscribe(() => this.#apiChanged()),
      this.services.all.subscribe(() => this.#servicesChanged()),
      this.journal.start(),
      this.#listen(),
    ];
    void this.session.restore();
    return () => {
      unsubscribe.forEach((end) => end());
      this.link.stop();
    };
  }

  /** Whoever needs a new token may have been cut off because their rights have changed: the page follows. */
  #tokens(): FetchToken {
    const fetchToken = tokenFetcher(this.api.send, systemClock);
    return async () => {
      await this.session.freshRights();
      return fetchToken();
    };
  }

  #sessionChanged(): void {
    const state = this.session.state.get();
    const person = state.phase === "signed-in" ? state.person.id : "";
    const seesLive = state.phase === "signed-in" && state.person.permissions.has(VIEW);
    if (person === this.#person && seesLive === this.#seesLive) {
      this.#logsRightChanged();
      return;
    }
    this.#person = person;
    this.#seesLive = seesLive;
    this.#seesLogs = this.#mayViewLogs();
    this.#forget();
    if (seesLive) {
      this.link.start(this.#filters());
    }
  }

  /** Of the recent log nothing can stay: who gave a command stands beside what anybody may hear. */
  #logsRightChanged(): void {
    const seesLogs = this.#mayViewLogs();
    if (seesLogs === this.#seesLogs) {
      return;
    }
    this.#seesLogs = seesLogs;
    if (seesLogs) {
      this.link.renewWith(this.#filters());
    } else {
      this.events.clear();
      this.link.setFilters(this.#filters());
    }
  }

  /** What one person has seen is not shown to the next one, nor to the same one who may no longer see it. */
  #forget(): void {
    this.link.stop();
    this.refetcher.stop();
    this.#apiWatch.stop();
    [this.chart, this.tiles, this.devices, this.services, this.commands, this.sparks, this.events, this.backlog, this.journal].forEach((store) => store.clear());
    this.troubles.clearAll();
  }

  #filters(): readonly string[] {
    const shown = new Set(this.chart.view.get().chosen.map((each) => each.clientId));
    const audited = this.#mayViewLogs() ? [AUDIT_FILTER] : [];
    return [...LIVE_FILTERS, ...audited, ...[...shown].map((clientId) => buildTopic("TELEMETRY_BUFFERED", { client_id: clientId }))];
  }

  #mayViewLogs(): boolean {
    const state = this.session.state.get();
    return state.phase === "signed-in" && state.person.permissions.has(VIEW_LOGS);
  }

  /** Whether the broker is connected and the screen up to date, so that it can be told who came and who went. */
  readonly isCurrent = (): boolean => this.linkState.get().phase === "online" && this.refetcher.loaded.get() && !this.refetcher.busy.get();

  #linkChanged(state: LinkState): void {
    const before = this.linkState.get();
    this.linkState.set(state);
    const cameUp = state.phase === "online" && before.phase !== "online" && before.phase !== "doubtful";
    // A broker that is away when the page loads is no reason to hold back what the archive knows.
    const isEmpty = state.phase === "waiting" && !this.refetcher.loaded.get() && !this.refetcher.busy.get();
    if (cameUp || isEmpty) {
      this.refetcher.refetch();
    }
    if (cameUp) {
      this.logReader.readSoon();
    }
  }

  #apiChanged(): void {
    if (this.#person === "" || this.api.state.get() !== "unreachable") {
      return;
    }
    if (this.#seesLive) {
      this.refetcher.apiLost();
    } else {
      this.#apiWatch.lost();
    }
  }

  /** The broker's word that the API is gone comes before anybody has called it. */
  #servicesChanged(): void {
    const gone = serviceState(this.services.all.get(), "auth-api", systemClock.now()) === "OFFLINE";
    if (gone && this.api.state.get() === "ok") {
      this.api.state.set("unreachable");
    }
  }

  /** Hints of the browser: the network went or came, the tab was hidden or shown. */
  #listen(): () => void {
    const offline = (): void => this.link.probe();
    const online = (): void => {
      this.link.retryNow();
      this.link.probe();
    };
    const visibility = (): void => this.refetcher.visibilityChanged(document.visibilityState === "hidden");
    window.addEventListener("offline", offline);
    window.addEventListener("online", online);
    document.addEventListener("visibilitychange", visibility);
    return () => {
      window.removeEventListener("offline", offline);
      window.removeEventListener("online", online);
      document.removeEventListener("visibilitychange", visibility);
    };
  }
}
