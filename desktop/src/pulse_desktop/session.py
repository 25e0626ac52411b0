"""
One run of the device of a folder: its lock, its settings, its parts; the same with a window and without one.

Read next: ``core.device`` (what runs), ``program`` and ``ui.application`` (who starts it).
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from pulse_runtime.environment import Environment, checked_url

from .core.clock import SystemClock
from .core.connection import State
from .core.device import Device, Parts
from .core.errors import ChangeError, StorageError
from .core.folder import DeviceFolder, find, is_replaced, replace_device, replaced, restore_device
from .core.identity.enrollment import enroll
from .core.identity.keystore import place_of, uses_keyring
from .core.identity.store import Identity, load
from .core.identity.sync_keys import sync_keys
from .core.identity.tokens import DeviceTokens
from .core.lock import FolderLock
from .core.operation import Operation
from .core.outbox import Committed
from .core.outbox.schema import has_tables
from .core.settings import DeviceSettings, FixedSetting, usable, with_settings
from .core.settings_watch import stored_settings
from .core.sources.plan import SourcePlan, copy_plan

log = structlog.get_logger()
DRAIN_S = 15.0  # that one waits for the archive's answer to the last readings of a device


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """
    Which device is to run.

    ``interval``: of the command line, text, goes before every setting; ``is_id_fixed``: the command line names it.
    """

    environment: Environment
    folder: DeviceFolder
    interval: str | None
    sources: SourcePlan
    is_id_fixed: bool = False

    @property
    def local(self) -> dict[str, FixedSetting]:
        """The settings of this machine, which go before the stored ones."""
        if self.interval:
            return {"sampling_interval": FixedSetting(self.interval, "--interval")}
        given = self.environment.text("PULSE_DEVICE_INTERVAL")
        return {"sampling_interval": FixedSetting(given, "PULSE_DEVICE_INTERVAL")} if given else {}

    @property
    def id_fixed(self) -> str:
        """What says which device this machine is, whatever the window says; empty when nothing does."""
        if self.is_id_fixed:
            return "--client-id"
        return "PULSE_DEVICE_DIR" if self.environment.text("PULSE_DEVICE_DIR") else ""

    @property
    def sources_fixed(self) -> str:
        """What goes before the device's own file of sources; empty when nothing does."""
        if self.sources.again is None:
            return "the command line"
        return "PULSE_DEVICE_SOURCES" if self.environment.text("PULSE_DEVICE_SOURCES") else ""


class Session:
    """The device of a plan, with its folder locked from ``__init__`` to ``close``; started once at most."""

    def __init__(self, plan: SessionPlan, on_commit: Callable[[Committed], None] = lambda _note: None) -> None:
        """
        Take the lock and put the device together; *on_commit* as in ``core.device.Parts``.

        Raises:
            ConfigError: Not enrolled, running already, or something that it is made of cannot be used.
            SettingError: The interval of the command line is out of its bounds.
        """
        folder, clock = plan.folder, SystemClock()
        self.folder, self.identity = folder, folder.identity()
        self.environment, self.id_fixed = plan.environment, plan.id_fixed
        self.local = plan.local
        self.sources_fixed = plan.sources_fixed
        local = {key: one.text for key, one in self.local.items()}
        settings = starting_settings(folder, local)
        self.broker_fixed = broker_url = plan.environment.text("PULSE_DEVICE_BROKER_URL")
        if broker_url:
            checked_url(broker_url, "PULSE_DEVICE_BROKER_URL", secure="mqtts", loopback_only="mqtt")
        self._lock = FolderLock(folder.path)
        try:
            if not is_replaced(folder.path):  # what was interrupted before this device's end is not to count later on
                restore_device(folder.path)
            tokens = DeviceTokens(folder.path, self.identity, clock, broker_url or None)
            keys = sync_keys(folder.path, self.identity)
            log.info("desktop.keys_kept", place=place_of(self.identity.signing_key))
            authorities = self.identity.ca_pem.count("BEGIN CERTIFICATE")
            if authorities > 1:  # enrolled when everything in an answer was kept
                hint = "the code named one of them: unless the server's own ca.pem has them all, enroll it again"
                log.warning("desktop.several_authorities_trusted", count=authorities, hint=hint)
            parts = Parts(
                folder, settings, tokens, plan.sources, clock, local=local, sync_keys=keys, on_commit=on_commit
            )
            self.device = Device(parts)
        except BaseException:
            self._lock.release()
            raise
        self.operation = Operation(folder, self.identity, clock, self.device.flush)
        self._stopping = threading.Event()
        self._watching: threading.Thread | None = None
        self._releasing: threading.Thread | None = None
        self._is_started = False
        self._has_ended = False
        self._starting = threading.Lock()  # a start may take long, and ``close`` comes from another thread

    def start(self) -> None:
        """
        Start the device.

        Raises:
            StorageError: The outbox cannot be used, or ``close`` came first; nothing was started, and this session
                cannot start any more.
        """
        with self._starting:
            if self._stopping.is_set():
                raise StorageError("the device is closed")
            self.device.start()
            self._is_started = True

    def become(self, client_id: str, api_url: str, code: str, broker_url: str) -> Identity:
        """
        Make this machine the device *client_id* by a one-time *code*, once the archive has all of the present one.

        Sampling rests from then on; the new device starts with the next start of the program, with the same sources.

        Raises:
            SignInError: Nobody is signed in, or without the permission ``EDIT_CONFIG``.
            ChangeError: The id cannot be this machine's next one, or readings are without an answer.
            EnrollmentError, ConfigError: The server does not make it a device, or an address cannot be used.
        """
        self.operation.check_addresses(api_url, broker_url or None)
        folder = self._next_folder(client_id)
        is_caught_up = self.device.report().state is State.CONNECTED  # else nothing is sampled for a wait in vain
        if not is_caught_up or self.device.drain(DRAIN_S):
            raise ChangeError(
                f"readings of {self.folder.client_id} are not in the archive so far, and another device could not send "
                f"them: wait until it is online and all of its buffer is sent, then try again"
            )
        if self._stopping.is_set():  # whoever asked has left: the code stays good
            raise ChangeError(f"the program ended before this machine became {client_id}: start it and try again")
        try:
            copy_plan(self.folder.path, folder.path)
            replace_device(self.folder.path, client_id)
            identity = enroll_device(self.environment, folder, api_url, code, broker_url or None)
            replaced(self.folder.path, client_id)
        except BaseException as error:
            stored = load(folder.path)
            if stored is None or not isinstance(error, Exception):
                if not is_replaced(self.folder.path):
                    restore_device(self.folder.path)
                self.device.go_on()
                raise
            log.exception("desktop.id_not_tidied")  # it is the other device already: this one must not sample on
            identity = stored
        log.info("desktop.id_changed", before=self.folder.client_id, after=client_id)
        return identity

    def _next_folder(self, client_id: str) -> DeviceFolder:
        if self.id_fixed:
            raise ChangeError(f"the id is fixed by {self.id_fixed}: start the program without it")
        if client_id == self.folder.client_id:
            raise ChangeError(f"this machine is {client_id} already")
        folder = find(self.environment, client_id)
        if load(folder.path) is not None:
            again = f"pulse-desktop --client-id {client_id}"
            raise ChangeError(f"{client_id} has been a device of this machine: start it again with `{again}`")
        return folder

    @property
    def has_ended(self) -> bool:
        """Tell whether ``watch_aside`` has found that a part has ended by itself: the device is to start anew."""
        return self._has_ended

    def watch_aside(self) -> None:
        """Watch over the device in a thread of its own, where the caller's has other things to do."""
        self._watching = threading.Thread(target=self._watch, name="watch", daemon=True)
        self._watching.start()

    def close(self) -> None:
        """
        Stop the device cleanly and give the folder back; a start that is under way comes to its end first.

        On a disk that stands still the folder stays locked until the last that was recorded is on it.
        """
        self._stopping.set()
        with self._starting:
            is_started = self._is_started
        if self._watching is not None:
            self._watching.join(5.0)
        if is_started:
            self.device.stop()
        if self.device.outbox.is_running:
            log.error("desktop.still_writing", hint="the folder stays locked until the outbox is closed")
            self._releasing = threading.Thread(target=self._release_later, name="release", daemon=True)
            self._releasing.start()
        else:
            self._lock.release()

    def wait_released(self) -> None:
        """After ``close``: wait until the folder is given back, so that this program can open it again."""
        if self._releasing is not None:
            self._releasing.join()

    def _release_later(self) -> None:
        self.device.outbox.wait_closed()
        self._lock.release()

    def _watch(self) -> None:
        try:
            self._has_ended = not self.device.watch(self._stopping)
        except Exception:
            log.exception("desktop.watch_failed")
            self._has_ended = True


def enroll_device(
    environment: Environment, folder: DeviceFolder, api_url: str, code: str, broker_url: str | None
) -> Identity:
    """
    Make *folder* a device by a one-time *code*; an empty *api_url*: the environment's, ``None``: the server's broker.

    Raises:
        EnrollmentError: Why not, and what to do.
        ConfigError: An address that cannot be used, or the device runs.
    """
    lock = FolderLock(folder.path)
    try:
        identity = enroll(
            folder.path,
            folder.client_id,
            api_url=(api_url or environment.text("PULSE_API_URL")).rstrip("/"),
            code=code,
            broker_url=broker_url or environment.text("PULSE_DEVICE_BROKER_URL") or None,
            now=SystemClock().now,
            in_keyring=uses_keyring(environment.text("PULSE_DEVICE_KEYS")),
        )
        restore_device(folder.path)
        return identity
    finally:
        lock.release()


def starting_settings(folder: DeviceFolder, local: Mapping[str, str]) -> DeviceSettings:
    """
    Return what is in force when the device of *folder* starts: defaults, what is stored, then *local*.

    Raises:
        SettingError: A local one is out of its bounds; a stored one that is so is logged and not used.
    """
    settings = DeviceSettings()
    if has_tables(folder.outbox):
        try:
            settings, refused = usable(settings, stored_settings(folder))
            for key, reason in refused.items():
                log.warning("desktop.setting_refused", setting=key, reason=reason)
        except sqlite3.DatabaseError as error:  # the file is salvaged when it is opened for writing
            log.warning("desktop.settings_unreadable", reason=str(error))
    return with_settings(settings, local)
