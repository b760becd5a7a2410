"""Alerts fire once, clear by themselves, are told by one node, and keep quiet when they should."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest

from engine import definitions, instances, secrets
from engine.alerts import rules
from engine.alerts.measures import MEASURES
from engine.errors import Conflict, InvalidInput
from engine.keyring import Keyring
from engine.queries import lists
from engine.work import activation, jobs
from service_tasks.alerts import Watcher
from service_tasks.alerts.channel import sender
from service_tasks.connector.reach import Reach
from service_tasks.connector.transport import Forbidden, Transport, addresses_of
from tests.engine.drawing import end, file, process, service, start
from tests.service_tasks.connector.service import Service

CHANNEL = "ops_chat"


class Clock:
    """A clock that stands still."""

    def __init__(self):
        self.now = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)

    def __call__(self):
        return self.now

    def advance(self, **by):
        self.now += timedelta(**by)

    def turn_to(self, hour):
        """The next time that it is `hour` o'clock."""
        self.now += timedelta(hours=(hour - self.now.hour) % 24)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def engine(engine):
    engine.keyring = Keyring(keys=[base64.urlsafe_b64encode(bytes(32)).decode()])
    engine.execute(definitions.deploy, [file(process("paying", start(), service("pay", retries=1), end()))])
    engine.execute(secrets.put, CHANNEL, "json://chat.example/ops")
    return engine


class Told:
    """What people were told."""

    def __init__(self):
        self.messages = []
        self.takes = True

    def __call__(self, address, title, body, fired):
        self.messages.append((address, title, body, fired))
        return self.takes

    @property
    def titles(self):
        return [title for _, title, _, _ in self.messages]


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def watcher(engine, told):
    return Watcher(engine, "https://partitur.example/", told)


def fail(engine):
    engine.execute(instances.start, "paying")
    [job] = engine.execute(activation.activate, ["pay"], "w")
    engine.execute(jobs.fail, job.key, "down", retries=0, lock_token=job.lock_token)


def mend(engine):
    for incident in lists.incidents(engine).items:
        engine.execute(instances.cancel, incident.instance_key, "not needed any more")


def test_alert_is_told_once_with_its_page_and_clears_by_itself(engine, told, watcher):
    engine.execute(rules.add, "Failures", "incident", process_id="paying", channels=[CHANNEL])
    watcher.look()
    assert told.messages == []
    fail(engine)
    for _ in range(3):
        watcher.look()
    [(address, title, body, fired)] = told.messages
    assert (address, title, fired) == ("json://chat.example/ops", "Failures: on", True)
    assert "https://partitur.example/instances?state=incident&process=paying" in body
    mend(engine)
    for _ in range(3):
        watcher.look()
    assert told.titles == ["Failures: on", "Failures: over"]
    fail(engine)
    watcher.look()
    assert told.titles[-1] == "Failures: on"


def test_two_nodes_tell_it_once(engine, told, watcher):
    engine.execute(rules.add, "Failures", "incident", channels=[CHANNEL])
    fail(engine)
    watcher.look()
    Watcher(engine, None, told).look()
    assert told.titles == ["Failures: on"]


def test_what_does_not_last_is_not_told(engine, clock, told, watcher):
    engine.execute(rules.add, "Failures", "incident", for_=timedelta(minutes=5), channels=[CHANNEL])
    fail(engine)
    watcher.look()
    clock.advance(minutes=4)
    watcher.look()
    mend(engine)
    watcher.look()
    fail(engine)
    clock.advance(minutes=4)
    watcher.look()
    assert told.messages == []
    clock.advance(minutes=6)
    watcher.look()
    assert told.titles == ["Failures: on"]


def test_only_more_than_the_limit_counts(engine, told, watcher):
    engine.execute(rules.add, "Failures", "incident", above=1, channels=[CHANNEL])
    fail(engine)
    watcher.look()
    assert told.messages == []
    fail(engine)
    watcher.look()
    assert told.titles == ["Failures: on"]


@pytest.mark.parametrize(("quiet", "silent"), [(("22:00", "06:00"), [23, 3]), (("12:00", "13:00"), [12])])
def test_quiet_hours_are_kept_and_what_lasts_is_told_afterwards(engine, clock, told, watcher, quiet, silent):
    engine.execute(rules.add, "Failures", "incident", quiet=quiet, channels=[CHANNEL])
    fail(engine)
    for hour in silent:
        clock.turn_to(hour)
        watcher.look()
    assert told.messages == []
    clock.turn_to(int(quiet[1][:2]))
    watcher.look()
    assert told.titles == ["Failures: on"]


def test_what_began_and_ended_in_quiet_hours_is_never_told(engine, clock, told, watcher):
    clock.turn_to(23)
    engine.execute(rules.add, "Failures", "incident", quiet=("22:00", "06:00"), channels=[CHANNEL])
    fail(engine)
    watcher.look()
    mend(engine)
    clock.turn_to(7)
    watcher.look()
    assert told.messages == []


def test_channel_that_fails_is_tried_again_and_the_rule_says_so(engine, told, watcher):
    engine.execute(rules.add, "Failures", "incident", channels=[CHANNEL])
    fail(engine)
    told.takes = False
    watcher.look()
    [rule] = rules.all_of_them(engine)
    assert "ops_chat" in rule.trouble
    told.takes = True
    watcher.look()
    watcher.look()
    assert told.titles == ["Failures: on"] * 2
    assert rules.all_of_them(engine)[0].trouble is None


def test_address_that_is_not_stored_is_named_and_the_others_are_told(engine, told, watcher):
    engine.execute(rules.add, "Failures", "incident", channels=["nowhere", CHANNEL])
    fail(engine)
    watcher.look()
    watcher.look()
    assert told.titles == ["Failures: on"]
    assert "'nowhere'" in rules.all_of_them(engine)[0].trouble


def test_disabled_rule_is_over_and_quiet(engine, told, watcher):
    engine.execute(rules.add, "Failures", "incident", channels=[CHANNEL])
    engine.execute(rules.switch, "Failures", disabled=True, reason="we know")
    fail(engine)
    watcher.look()
    assert told.messages == []
    engine.execute(rules.switch, "Failures", disabled=False, reason="we want to know")
    watcher.look()
    assert told.titles == ["Failures: on"]
    engine.execute(rules.remove, "Failures", "done")
    watcher.look()
    assert rules.all_of_them(engine) == ()


@pytest.mark.parametrize("measure", MEASURES)
def test_everything_that_can_be_measured_has_a_value(engine, measure):
    assert MEASURES[measure].value(engine, None) >= 0


@pytest.mark.parametrize(("arguments", "words"), [
    ({"measure": "incidents"}, "one of"), ({"measure": "queue_lag", "process_id": "paying"}, "not of one process"),
    ({"above": -1}, "0 or more"), ({"above": float("nan")}, "0 or more"), ({"for_": timedelta(days=8)}, "7 days"),
    ({"quiet": ("22", "6")}, "22:00"), ({"name": " "}, "name"),
])
def test_rules_that_cannot_be_are_refused(engine, arguments, words):
    with pytest.raises(InvalidInput, match=words):
        engine.execute(rules.add, **{"name": "Failures", "measure": "incident", **arguments})
    assert rules.all_of_them(engine) == ()


def test_names_are_taken_once(engine):
    engine.execute(rules.add, "Failures", "incident")
    with pytest.raises(Conflict):
        engine.execute(rules.add, "Failures", "incident")


def test_apprise_reaches_a_real_address():
    hook = Service()
    send = sender(Transport(Reach.of("localhost 127.0.0.1")).check)
    try:
        assert send(f"json://127.0.0.1:{hook.port}/ops", "Failures: on", "1 instance", True)
        assert hook.received[0].json["title"] == "Failures: on"
        hook.answers["/ops"] = (500, {}, b"")
        assert not send(f"json://127.0.0.1:{hook.port}/ops", "Failures: on", "1 instance", True)
        assert not send("no such address", "a", "b", True)
        hook.answers["/ops"] = (302, {"Location": f"http://127.0.0.1:{hook.port}/elsewhere"}, b"")
        before = len(hook.received)
        assert not send(f"json://127.0.0.1:{hook.port}/ops", "Failures: on", "1 instance", True)
        assert len(hook.received) == before + 1     # the redirect was not followed
    finally:
        hook.stop()


@pytest.mark.parametrize("address", [
    "json://127.0.0.1:9/x", "jsons://169.254.169.254/latest/meta-data", "xml://10.0.0.7/", "form://[::1]:9/",
    "json://localhost/", "json://2130706433/", "json://inside.example/", "mailto://u:p@a.example?smtp=192.168.1.1",
    "gotify://10.1.1.1/abcdefghijklmno", "ntfy://127.0.0.1/topic", "syslog://", "rsyslog://127.0.0.1",
])
def test_channels_reach_nothing_inside(address):
    def resolve(host, port):
        return {"inside.example": ["10.0.0.1"]}.get(host) or addresses_of(host, port)

    send = sender(Transport(Reach(), resolve=resolve).check)
    with pytest.raises(Forbidden):
        send(address, "Failures: on", "1 instance", True)
