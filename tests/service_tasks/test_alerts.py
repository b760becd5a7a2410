"""Alerts fire once, clear by themselves, are told by one node, and keep quiet when they should."""

from __future__ import annotations

import base64
import email
import html
import socketserver
import threading
from datetime import UTC, datetime, timedelta
from email import policy
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from engine import definitions, instances, schema, secrets
from engine.alerts import rules, selectors
from engine.alerts.measures import MEASURES
from engine.alerts.sampling import Sampler
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
from web.console import watching
from web.metrics import registry_of

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


LATENCY = "partitur_job_latency_seconds"
LINK = "https://x/instances?state=incident&notify=1&copy=2"


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
    return Watcher(engine, "https://partitur.example/", told, watching.count)


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
    assert "https://partitur.example/manual/HANDBOOK?section=instances-with-an-incident" in body
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
    Watcher(engine, None, told, watching.count).look()
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


def test_what_is_over_in_quiet_hours_is_told_afterwards(engine, clock, told, watcher):
    clock.turn_to(21)
    engine.execute(rules.add, "Failures", "incident", quiet=("22:00", "06:00"), channels=[CHANNEL])
    fail(engine)
    watcher.look()
    clock.turn_to(23)
    mend(engine)
    watcher.look()
    assert told.titles == ["Failures: on"]
    clock.turn_to(6)
    watcher.look()
    assert told.titles == ["Failures: on", "Failures: over"]


@pytest.mark.parametrize(("moment", "quiet"), [
    ("2026-10-24T19:59Z", False), ("2026-10-24T20:00Z", True),       # 22:00 in summer
    ("2026-10-25T00:30Z", True), ("2026-10-25T01:30Z", True),        # 2:30 twice
    ("2026-10-25T04:59Z", True), ("2026-10-25T05:00Z", False),       # 6:00 in winter
    ("2027-03-28T03:59Z", True), ("2027-03-28T04:00Z", False),       # 6:00 in summer again
])
def test_quiet_hours_are_those_of_the_clock_on_the_wall(engine, clock, told, watcher, moment, quiet):
    engine.time_zone = ZoneInfo("Europe/Berlin")
    engine.execute(rules.add, "Failures", "incident", quiet=("22:00", "06:00"), channels=[CHANNEL])
    fail(engine)
    clock.now = datetime.fromisoformat(moment)
    watcher.look()
    assert told.titles == ([] if quiet else ["Failures: on"])


def test_what_a_killed_node_was_telling_another_one_tells(engine, clock, told, watcher):
    engine.execute(rules.add, "Failures", "incident", channels=[CHANNEL])
    fail(engine)

    def die(*_):
        raise SystemExit

    with pytest.raises(SystemExit):
        Watcher(engine, None, die, watching.count).look()
    watcher.look()
    assert told.messages == []      # the other one may still be at it
    clock.advance(seconds=rules.TELLING.total_seconds())
    watcher.look()
    watcher.look()
    assert told.titles == ["Failures: on"]


def test_a_rule_that_cannot_be_measured_holds_up_no_other(engine, told, watcher):
    engine.execute(rules.add, "A list", "list", query="/gone", channels=[CHANNEL])
    engine.execute(rules.add, "Failures", "incident", channels=[CHANNEL])
    fail(engine)
    watcher.look()
    assert told.titles == ["Failures: on"]
    [broken, _] = rules.all_of_them(engine)
    assert broken.trouble.startswith("It could not be measured: Expected the address of a list")


@pytest.mark.parametrize(("address", "link"), [
    ("/instances?process=paying&state=incident", None), ("/incidents?process=paying&error=down", None),
    ("https://partitur.example/instances?process=paying&element=pay&sort=-started_at&offset=50",
     "/instances?process=paying&element=pay"),
    ("/instances?variable=amount&operator=gt&value=10", None),
])
def test_any_list_is_watched_by_its_address(engine, told, watcher, address, link):
    asked = watching.checked(engine, "list", address)
    engine.execute(rules.add, "Mine", "list", query=asked, channels=[CHANNEL])
    watcher.look()
    assert told.messages == []
    engine.execute(instances.start, "paying", variables={"amount": 10.5})
    [job] = engine.execute(activation.activate, ["pay"], "w")
    engine.execute(jobs.fail, job.key, "down", retries=0, lock_token=job.lock_token)
    watcher.look()
    [(_, title, body, _)] = told.messages
    assert title == "Mine: on"
    assert f"https://partitur.example{link or address}\n" in body
    assert body.startswith("rows of a list: 1 (limit 0).")


@pytest.mark.parametrize("address", [
    "/nodes", "instances", "", "/instances?nonsense=1", "/instances?version=x", "/incidents?state=mine", "http://[",
    "/tasks?view=mine", "/tasks?view=nobody", "/tasks?whose=groups", "/messages?view=all", "/incidents?colour=red",
])
def test_lists_that_there_are_not_are_refused(engine, address):
    with pytest.raises(InvalidInput):
        watching.checked(engine, "list", address)


@pytest.mark.parametrize("address", ["/tasks", "/tasks?view=overdue", "/tasks?process=x&due=none", "/messages",
                                     "/messages?view=kept&name=paid", "/messages?view=waiting", "/incidents?state=all"])
def test_lists_of_tasks_and_messages_count_what_their_pages_do(engine, address):
    assert watching.count(engine, watching.checked(engine, "list", address)) == 0


def test_gauges_counters_and_histograms_of_all_nodes_are_watched(engine, clock, told, watcher):
    # given a rule of each kind, and a node that counted before it first looked
    for name, query, above in (("Gauge", 'partitur_incidents_open{process="paying"}', 1),
                               ("Counter", 'partitur_jobs_answered_total{type="pay",outcome!="completed"}', 1),
                               ("Mean", "partitur_job_latency_seconds", 30)):
        engine.execute(rules.add, name, "metric", query=query, above=above, within=timedelta(minutes=5),
                       channels=[CHANNEL])
    one, other = Sampler(engine), Sampler(engine)
    clock.advance(seconds=1)
    fail(engine)
    one.sample()
    other.sample()      # of the same process here, so that it counts the same once more
    watcher.look()

    # then together they are over the limit of the counter, and nothing else is
    assert told.titles == ["Counter: on"]

    # when it fails again after a minute in which the job waited, and then nothing more happens for long
    engine.execute(instances.start, "paying")
    clock.advance(seconds=100)
    [job] = engine.execute(activation.activate, ["pay"], "w")
    engine.execute(jobs.fail, job.key, "down", retries=0, lock_token=job.lock_token)
    one.sample()
    told.messages.clear()
    watcher._standing._until = 0.0
    watcher.look()
    assert sorted(told.titles) == ["Gauge: on", "Mean: on"]
    for _ in range(30):
        clock.advance(seconds=15)
        one.sample()
        other.sample()
    told.messages.clear()
    watcher.look()
    assert sorted(told.titles) == ["Counter: over", "Mean: over"]
    with engine.read() as connection:
        assert connection.scalar(select(func.count()).select_from(schema.alert_samples)) < 100


def test_percentiles_and_ratios_of_all_nodes_are_watched(engine, clock, told, watcher):
    # given rules on how the slow jobs do, and on which part of the answers fails
    ratio = ('partitur_jobs_answered_total{type="pay",outcome!="completed"} / '
             'partitur_jobs_answered_total{type="pay"}')
    for name, query, above in (
        ("p50", f'p50 of {LATENCY}{{type="pay"}}', 10), ("p95", f"p95 {LATENCY}", 60), ("Part", ratio, 0.25),
        ("Slow", f'{LATENCY}_bucket{{le="60.0"}} / {LATENCY}_count', 0.99),
        ("Gauges", 'partitur_incidents_open{process="paying"} / partitur_instances_live', 0.2),
        ("None", f'p99 of {LATENCY}{{type="a / b"}}', 0), ("Sum", f"{LATENCY}_sum", 150),
    ):
        engine.execute(rules.add, name, "metric", query=query, above=above, within=timedelta(minutes=5))
    one, other = Sampler(engine), Sampler(engine)      # of the same process here: all counts twice
    clock.advance(seconds=1)
    for sampler in (one, other):
        sampler.sample()
    for _ in range(9):
        engine.execute(instances.start, "paying")
    for job in engine.execute(activation.activate, ["pay"], "w", 9):       # at once
        engine.execute(jobs.complete, job.key, lock_token=job.lock_token)
    fail(engine)
    for _ in range(2):
        engine.execute(instances.start, "paying")
    clock.advance(seconds=100)
    for job in engine.execute(activation.activate, ["pay"], "w", 9):       # after 100 seconds
        engine.execute(jobs.complete, job.key, lock_token=job.lock_token)
    for sampler in (one, other):
        sampler.sample()
    watcher.look()

    # of twelve jobs two waited for 100 s, which is between 60 and 300; one of twelve answers failed
    known = {rule.name: rule for rule in rules.all_of_them(engine)}
    assert {name: rule.trouble for name, rule in known.items() if rule.trouble} == {}
    values = {name: round(rule.value, 3) for name, rule in known.items()}
    assert values == {"p50": 0.006, "p95": 228.0, "Part": round(1 / 12, 3), "Slow": round(10 / 12, 3), "Gauges": 1.0,
                      "None": 0.0, "Sum": 400.0}
    assert {name for name, rule in known.items() if rule.fired_at} == {"p95", "Gauges", "Sum"}
    assert {known[name].link for name in ("p50", "Part")} == {"/services"}

    # when nothing of it happened within the span any more, it is over, and nothing is divided by nothing
    for _ in range(25):
        clock.advance(seconds=15)
        one.sample()
        other.sample()
    watcher._standing._until = 0.0
    watcher.look()
    assert {rule.name for rule in rules.all_of_them(engine) if rule.fired_at} == {"Gauges"}


@pytest.mark.parametrize("query", [
    "p95 of partitur_jobs_answered_total", f"p0.x of {LATENCY}", f"p100 of {LATENCY}", f"{LATENCY} / {LATENCY}_count",
    "partitur_nodes / ", "/ partitur_nodes", "partitur_nodes / partitur_transactions_total",
    "partitur_nodes / partitur_nodes / partitur_nodes", f"p95 of {LATENCY} / partitur_nodes",
    f'{LATENCY}_bucket{{le="60"}}', f'{LATENCY}_count{{le="60.0"}}', "partitur_nodes_count", f"p95 of p95 of {LATENCY}",
    "partitur_nothing", "up", "", 'partitur_nodes{state="web"}', "partitur_nodes{role=web}",
    "rate(partitur_nodes[1m])", 'partitur_nodes{role=~"w.*"}', 'partitur_nodes{role="web"',
    "partitur_job_latency_seconds_bucket",
])
def test_metrics_that_there_are_not_are_refused(engine, query):
    with pytest.raises(InvalidInput):
        engine.execute(rules.add, "Mine", "metric", query=query)


def test_every_metric_can_be_watched_and_the_labels_are_those_that_are_told(engine, told, watcher):
    fail(engine)
    shown = {family.name: family for family in registry_of(engine).collect()}
    for name, (kind, own, labels) in selectors.METRICS.items():
        family = shown[f"partitur_{own}" if kind is not selectors.Kind.GAUGE else name]
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(labels), name
        engine.execute(rules.add, name, "metric", query=name)
    watcher.look()
    assert all(rule.trouble is None and rule.value is not None for rule in rules.all_of_them(engine))
    assert len(selectors.METRICS) == len(shown)


@pytest.mark.parametrize("measure", [name for name, measure in MEASURES.items() if measure.value])
def test_everything_that_can_be_measured_has_a_value(engine, measure):
    assert MEASURES[measure].value(engine, None) >= 0


@pytest.mark.parametrize(("arguments", "words"), [
    ({"measure": "incidents"}, "one of"), ({"measure": "queue_lag", "process_id": "paying"}, "not of one process"),
    ({"above": -1}, "0 or more"), ({"above": float("nan")}, "0 or more"), ({"for_": timedelta(days=8)}, "7 days"),
    ({"quiet": ("22", "6")}, "22:00"), ({"name": " "}, "name"), ({"quiet": ("22:00", "22:00")}, "two times"),
    ({"query": "/instances"}, "neither"), ({"measure": "list"}, "/instances"), ({"measure": "metric"}, "partitur_"),
    ({"within": timedelta(hours=2)}, "60 minutes"),
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


class Mail(socketserver.StreamRequestHandler):
    """A mail server as simple as can be (RFC 5321), which keeps what it is given."""

    def handle(self):
        answers = {b"EHLO": b"250 8BITMIME", b"DATA": b"354 go on", b"QUIT": b"221 bye"}
        self.wfile.write(b"220 test\r\n")
        while line := self.rfile.readline():
            said = line[:4].upper()
            self.wfile.write(answers.get(said, b"250 ok") + b"\r\n")
            if said == b"DATA":
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.mails.append(email.message_from_bytes(b"".join(lines), policy=policy.default))
                self.wfile.write(b"250 ok\r\n")


@pytest.mark.parametrize("form", ["", "&format=html"])
def test_a_mail_has_its_links_on_lines_of_their_own(form):
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mail) as server:
        server.mails = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        send = sender(Transport(Reach.of("127.0.0.1")).check)
        told = f"3 of <b>\n{LINK}\nWhat to do: https://x/manual"
        assert send(f"mailto://127.0.0.1:{server.server_address[1]}/?from=a@x.com&to=b@x.com&mode=insecure{form}",
                    "Orders fail: on", told, True)
        server.shutdown()
    [mail] = server.mails
    assert (mail["subject"], mail["to"]) == ("Orders fail: on", "b@x.com")
    assert mail.get_body(("plain",)).get_content().splitlines()[:3] == told.splitlines()
    if form:
        shown = mail.get_body(("html",)).get_content()
        # as it is written in HTML, so that nothing in it is taken for a sign or a tag
        assert f"&lt;b&gt;<br/>{html.escape(LINK)}<br/>" in shown


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
