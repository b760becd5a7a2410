"""How each command that changes something is called: by its name, and what it does, a function of a world."""

from __future__ import annotations

from engine import instances
from engine.operations import plans
from engine.queries.instances import InstanceFilter
from tests.engine import drawing
from tests.engine.factors import set_up
from tests.web.doors import WHY

R = ("--reason", WHY)


def _planned(w):
    key = w.engine.execute(plans.plan, "SUSPEND", {}, InstanceFilter(keys=[w.work()]), query="")
    while w.engine.execute(plans.judge, key):
        pass
    return key


def _applied(w, run):
    key = _planned(w)
    run("operations", "apply", key, *R)
    return key


def _paused(w, run):
    key = _applied(w, run)
    run("operations", "pause", key, *R)
    return key


def _canceled(w):
    key = w.work()
    w.engine.execute(instances.cancel, key, WHY)
    return key


def _file(w):
    path = w.folder / "deployed.bpmn"
    path.write_bytes(drawing.file(drawing.process("deployed", drawing.start(), drawing.end())).content)
    return path


def _doubt(w):
    return w.doubt().rpartition("/")[2]


ACTS = {
    "deploy": lambda w, run: ("deploy", _file(w)),
    "start": lambda w, run: ("start", "errand", "--variables", '{"amount": 1}'),
    "retry": lambda w, run: ("retry", w.incident(), *R),
    "care": lambda w, run: ("care", w.incident(), "--acknowledge", *R),
    "decide": lambda w, run: ("decide", _doubt(w), "happened", *R),
    "hold": lambda w, run: ("hold", w.free() or "pay", *R),
    "release": lambda w, run: ("release", w.held(), *R),
    "suspend": lambda w, run: ("suspend", w.work(), *R),
    "resume": lambda w, run: ("resume", w.suspended(), *R),
    "cancel": lambda w, run: ("cancel", w.work(), *R),
    "modify": lambda w, run: ("modify", w.work(), "--move", "look=pay", *R),
    "migrate": lambda w, run: ("migrate", w.moving()[0], "--to", 2, *R),
    "restart": lambda w, run: ("restart", _canceled(w), *R),
    "fire": lambda w, run: ("fire", w.wait("C-1"), *R),
    "deliver": lambda w, run: ("deliver", w.wait("C-2"), "paid", *R),
    "operations plan": lambda w, run: ("operations", "plan", "SUSPEND", "--key", w.work()),
    "operations apply": lambda w, run: ("operations", "apply", _planned(w), *R),
    "operations pause": lambda w, run: ("operations", "pause", _applied(w, run), *R),
    "operations resume": lambda w, run: ("operations", "resume", _paused(w, run), *R),
    "operations stop": lambda w, run: ("operations", "stop", _applied(w, run), *R),
    "secrets set": lambda w, run: ("secrets", "set", "by-hand"),
    "secrets rotate": lambda w, run: ("secrets", "rotate"),
    "secrets delete": lambda w, run: ("secrets", "delete", "by-hand", *R),
    "tenants add": lambda w, run: ("tenants", "add", "north"),
    "tenants change": lambda w, run: ("tenants", "change", "north", "--name", "The north"),
    "tenants remove": lambda w, run: ("tenants", "remove", "north", *R),
    "events add": lambda w, run: ("events", "add", "ledger", "http://127.0.0.1:9/"),
    "events change": lambda w, run: ("events", "change", "ledger", "http://127.0.0.1:8/", *R),
    "events resend": lambda w, run: ("events", "resend", "ledger", *R),
    "events pause": lambda w, run: ("events", "pause", "ledger", *R),
    "events resume": lambda w, run: ("events", "resume", "ledger", *R),
    "events retry": lambda w, run: ("events", "retry", w.dead_event(), *R),
    "events discard": lambda w, run: ("events", "discard", w.dead_event(), *R),
    "events remove": lambda w, run: ("events", "remove", "ledger", *R),
    "inbound add": lambda w, run: ("inbound", "add", "queue", "redis://h?stream=s", "--process", "errand"),
    "inbound pause": lambda w, run: ("inbound", "pause", "queue", *R),
    "inbound resume": lambda w, run: ("inbound", "resume", "queue", *R),
    "inbound retry": lambda w, run: ("inbound", "retry", w.aside(), *R),
    "inbound discard": lambda w, run: ("inbound", "discard", w.aside(), *R),
    "inbound remove": lambda w, run: ("inbound", "remove", "queue", *R),
    "alerts add": lambda w, run: ("alerts", "add", "many", "--measure", "incident", "--channel", "by-hand"),
    "alerts disable": lambda w, run: ("alerts", "disable", "many", *R),
    "alerts enable": lambda w, run: ("alerts", "enable", "many", *R),
    "alerts remove": lambda w, run: ("alerts", "remove", "many", *R),
    "drill": lambda w, run: ("drill", "paused"),
    "pause": lambda w, run: ("pause", "paused", *R),
    "unpause": lambda w, run: ("unpause", "paused", *R),
    "retention": lambda w, run: ("retention", "paused", 30, *R),
    "users add": lambda w, run: ("users", "add", "ann", "--password-stdin"),
    "users change": lambda w, run: ("users", "add", "ann", "--password-stdin", "--group", "leads"),
    "users change demanded": lambda w, run: ("users", "change", "ann", "--second-factor", "required"),
    "users reset-second-factor": lambda w, run: set_up(w.engine) and ("users", "reset-second-factor", "ann"),
    "tokens add": lambda w, run: ("tokens", "add", "robot"),
    "tokens change": lambda w, run: ("tokens", "add", "robot"),
    "roles give": lambda w, run: ("roles", "give", "ann", "--role", "viewer"),
    "roles take": lambda w, run: ("roles", "take", "ann"),
    "sessions end": lambda w, run: ("sessions", "end", "--all"),
    "tokens remove": lambda w, run: ("tokens", "remove", "robot"),
    "users remove": lambda w, run: run("users", "add", "bob", "--password-stdin") and ("users", "remove", "bob"),
}
"""In this order; some need what those before them made."""
IN_TESTS_ELSEWHERE = {
    "approvals approve": "tests/web/test_approvals.py", "approvals decline": "tests/web/test_approvals.py",
    "upgrade": "tests/web/test_audit_commands.py",
}
