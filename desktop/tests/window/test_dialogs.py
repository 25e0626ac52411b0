"""Sign-in, settings, enrollment: what they ask for, what they refuse in place, what they send."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit

from pulse_desktop.core.errors import ChangeError, EnrollmentError, SignInError
from pulse_desktop.core.identity.sign_in import Welcome
from pulse_desktop.core.identity.store import Identity
from pulse_desktop.core.settings import FixedSetting
from pulse_desktop.ui.windows.enroll import EnrollDialog
from pulse_desktop.ui.windows.main import MainWindow
from pulse_desktop.ui.windows.settings import Present, SettingsDialog
from pulse_desktop.ui.windows.sign_in import SignInDialog
from pulse_sync.records import Key
from pulse_sync.settings import KNOWN
from support.people_desk import PeopleDesk
from support.sync_bench import PASSWORD, record
from support.window_fakes import SETTINGS, FakeBridge, online, operator


@pytest.fixture
def sign_in(qtbot, bridge: FakeBridge):
    welcomed: list[Welcome] = []
    made = SignInDialog(bridge, welcomed.append)
    made.welcomed = welcomed
    qtbot.addWidget(made)
    made.show()
    return made


def present(**local: FixedSetting) -> Present:
    return Present("DESKTOP-001", SETTINGS, local, "https://pulse.example", "", "mqtts://pulse.example:8883")


@pytest.fixture
def settings(qtbot, bridge: FakeBridge):
    saved: list[bool] = []
    made = SettingsDialog(bridge, present(), saved.append)
    made.saved = saved
    qtbot.addWidget(made)
    made.show()
    return made


def test_sign_in_gives_name_and_password_to_the_core_and_closes_item_3(sign_in, bridge: FakeBridge):
    sign_in.name.setText(" olga ")
    sign_in.password.setText("pass word ")
    sign_in.submit()
    assert bridge.operation.calls == [("sign_in", "olga", "pass word ")]
    assert [one.who.username for one in sign_in.welcomed] == ["olga"]
    assert sign_in.result() == SignInDialog.DialogCode.Accepted


def test_sign_in_refused_says_why_and_stays_item_3(sign_in, bridge: FakeBridge):
    bridge.operation.refusal = SignInError("the name or the password is wrong")
    sign_in.name.setText("olga")
    sign_in.password.setText("guess")
    sign_in.submit()
    assert sign_in.error.text() == "The name or the password is wrong."
    assert sign_in.isVisible()
    assert sign_in.do.isEnabled()


def test_sign_in_without_a_password_asks_nobody_item_3(sign_in, bridge: FakeBridge):
    sign_in.name.setText("olga")
    sign_in.submit()
    assert bridge.operation.calls == []
    assert "password" in sign_in.error.text()


def test_sign_in_under_way_cannot_be_walked_away_from_and_its_outcome_is_told_item_3(
    window: MainWindow, bridge: FakeBridge, qtbot, qapp
):
    bridge.held = []
    window._person()
    dialog = next(one for one in window.findChildren(SignInDialog))
    dialog.name.setText("olga")
    dialog.password.setText("x")
    dialog.submit()
    qtbot.mouseClick(dialog.cancel, Qt.MouseButton.LeftButton)
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    dialog.close()
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert dialog.isVisible()
    bridge.operation.refusal = SignInError("the server does not answer")
    bridge.held.pop()()
    assert "does not answer" in dialog.error.text()
    qtbot.mouseClick(dialog.cancel, Qt.MouseButton.LeftButton)
    assert not dialog.isVisible()


def test_sign_in_password_is_not_shown_item_3(sign_in):
    assert sign_in.password.echoMode() is QLineEdit.EchoMode.Password


def test_sign_in_that_allows_no_changes_says_so_in_the_window_item_3(window: MainWindow, bridge: FakeBridge):
    bridge.operation.welcome = Welcome(operator().who, None, "nothing can be changed here: sign in once online")
    window._person()
    dialog = next(one for one in window.findChildren(SignInDialog))
    dialog.name.setText("olga")
    dialog.password.setText("x")
    dialog.submit()
    window.show_snapshot(online(operator=operator()))
    assert window.banners.texts["key"] == "Nothing can be changed here: sign in once online."


def test_settings_show_what_is_in_force_and_who_has_set_it_item_4(settings):
    assert settings.lines["sampling_interval"].text() == "0.5"
    hints = [label.text() for label in settings.findChildren(QLabel)]
    assert "s, set on the web by ann" in hints
    assert "h, set here by olga" in hints
    assert "readings, default" in hints
    assert "set on the web by bo, for all devices" in hints
    assert "days, set on PRESS-2 by ann, for all devices" in hints


def test_settings_send_only_what_was_changed_with_the_password_item_4(settings, bridge: FakeBridge):
    settings.lines["sampling_interval"].setText("0.25")
    settings.password.setText("secret")
    settings.submit()
    assert bridge.operation.calls == [("set_settings", "secret", {"sampling_interval": 0.25})]
    assert settings.saved == [False]


@pytest.mark.parametrize("text", ["0", "abc", "99999", ""])
def test_settings_out_of_bounds_are_refused_with_the_bounds_and_nothing_is_sent_item_4(settings, bridge, text: str):
    settings.lines["sampling_interval"].setText(text)
    settings.password.setText("secret")
    settings.submit()
    assert "from 0.05 to 3600 s" in settings.error.text()
    assert bridge.operation.calls == []


def test_settings_of_the_server_need_the_password_item_4(settings, bridge: FakeBridge):
    settings.lines["buffer_limit"].setText("5000")
    settings.submit()
    assert "password" in settings.error.text()
    assert bridge.operation.calls == []


def test_settings_addresses_need_no_password_and_start_the_device_anew_item_4(settings, bridge: FakeBridge):
    settings.broker.setText("mqtts://other.example:8883")
    settings.submit()
    assert bridge.operation.calls[-1] == ("set_addresses", "https://pulse.example", "mqtts://other.example:8883")
    assert "set_settings" not in [call[0] for call in bridge.operation.calls]
    assert settings.saved == [True]


def test_settings_refused_leave_the_addresses_as_they_are_item_4(settings, bridge: FakeBridge):
    bridge.operation.refusals["set_settings"] = SignInError("the password is wrong")
    settings.broker.setText("mqtts://other.example:8883")
    settings.lines["buffer_limit"].setText("5000")
    settings.password.setText("guess")
    settings.submit()
    assert [call[0] for call in bridge.operation.calls] == ["check_addresses", "set_settings"]
    assert (settings.error.text(), settings.saved) == ("The password is wrong.", [])


def test_settings_with_an_address_that_cannot_be_used_set_nothing_item_4(settings, bridge: FakeBridge):
    bridge.operation.refusals["check_addresses"] = ChangeError("give mqtts://host")
    settings.broker.setText("other")
    settings.lines["buffer_limit"].setText("5000")
    settings.password.setText("secret")
    settings.submit()
    assert [call[0] for call in bridge.operation.calls] == ["check_addresses"]
    assert settings.isVisible()


def test_settings_edited_by_somebody_else_meanwhile_are_not_overwritten_item_4(qtbot, desk: PeopleDesk):
    key = Key.setting("sampling_interval", "D1")
    desk.put(record(key, config_value=1.0, deleted_at=None))
    told = replace(present(), client_id="D1", settings=desk.operation.settings())
    saved: list[bool] = []
    made = SettingsDialog(desk.bridge, told, saved.append)
    qtbot.addWidget(made)
    made.show()
    desk.put(record(key, config_value=5.0, deleted_at=None))
    desk.put(record(key, config_value=5.0, deleted_at="2026-01-02T00:00:00.000Z"))
    made.lines["sampling_interval"].setText("2")
    made.lines["buffer_limit"].setText("5000")
    made.password.setText(PASSWORD)
    made.submit()
    assert made.error.text() == (
        "Sampling_interval was changed meanwhile: close this, look at it again and repeat what is still right."
    )
    assert (desk.changes(), saved, made.isVisible()) == ([], [], True)
    again = SettingsDialog(desk.bridge, replace(told, settings=desk.operation.settings()), saved.append)
    qtbot.addWidget(again)
    assert "s, default" in [label.text() for label in again.findChildren(QLabel)]
    again.lines["sampling_interval"].setText("2")
    again.password.setText(PASSWORD)
    again.submit()
    assert ([(one.field, one.value) for one in desk.changes()], saved) == ([("config_value", 2.0)], [False])


def test_settings_broker_of_the_environment_is_shown_and_not_offered_item_4(qtbot, bridge: FakeBridge):
    told = replace(present(), broker_url="mqtts://own.example:8883", broker_fixed="mqtts://given.example:8883")
    made = SettingsDialog(bridge, told, lambda _moved: None)
    qtbot.addWidget(made)
    assert (made.broker.text(), made.broker.isEnabled()) == ("mqtts://given.example:8883", False)
    made.api.setText("https://other.example")
    made.submit()
    assert bridge.operation.calls[-1] == ("set_addresses", "https://other.example", "mqtts://own.example:8883")


def test_settings_device_id_is_shown_and_not_changed_here_item_4(settings):
    assert (settings.device.text(), settings.device.isReadOnly()) == ("DESKTOP-001", True)


@pytest.mark.parametrize("by", ["--interval", "PULSE_DEVICE_INTERVAL"])
def test_settings_fixed_on_this_machine_are_not_offered_and_say_by_what_item_4(qtbot, bridge: FakeBridge, by: str):
    made = SettingsDialog(bridge, present(sampling_interval=FixedSetting("0.1", by)), lambda _moved: None)
    qtbot.addWidget(made)
    assert f"s, fixed by {by}" in [label.text() for label in made.findChildren(QLabel)]
    assert (made.lines["sampling_interval"].text(), made.lines["sampling_interval"].isEnabled()) == ("0.1", False)


def test_settings_choices_are_a_list_item_4(settings):
    field = settings.lines["flush_order"]
    assert isinstance(field, QComboBox)
    assert tuple(field.itemText(index) for index in range(field.count())) == KNOWN["flush_order"].words


def enroll_dialog(qtbot, bridge: FakeBridge, enrolling) -> EnrollDialog:
    made = EnrollDialog(bridge.ask, enrolling, "host-1", "https://pulse.example")
    qtbot.addWidget(made)
    made.show()
    return made


def test_enroll_gives_everything_to_the_core_and_knows_the_device_item_6(qtbot, bridge: FakeBridge):
    given = []

    def enrolling(*what: str) -> Identity:
        given.append(what)
        return Identity(client_id=what[0], api_url=what[1], mqtts_url="", ca_pem="", signing_key="",
                        encryption_key="", enrolled_at="")  # fmt: skip

    made = enroll_dialog(qtbot, bridge, enrolling)
    made.device.setText("line-7")
    made.code.setText(" ABC.def ")
    made.submit()
    assert given == [("line-7", "https://pulse.example", "ABC.def", "")]
    assert made.client_id == "line-7"


def test_enroll_refused_says_why_and_what_to_do_and_stays_item_6(qtbot, bridge: FakeBridge):
    def enrolling(*_what: str) -> Identity:
        raise EnrollmentError("the id host-1 is taken: choose another id.")

    made = enroll_dialog(qtbot, bridge, enrolling)
    made.code.setText("ABC.def")
    made.submit()
    assert made.error.text() == "The id host-1 is taken: choose another id."
    assert (made.client_id, made.isVisible()) == (None, True)
