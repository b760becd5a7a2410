"""An installation in which every page has something to show, and the addresses of all pages: found in the routes.

A page that is added later is visited without being named here, as long as there is something here that it shows.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from html import escape
from html.parser import HTMLParser

from sqlalchemy import inspect, text

from engine import definitions, drills, instances, messages
from engine.alerts import rules
from engine.definitions import Resource
from engine.errors import NeedsApproval
from engine.operations import plans
from engine.queries import lists
from engine.queries.instances import InstanceFilter
from engine.tasks import comments, user_tasks
from engine.work import activation, holds, jobs
from tests.web.conftest import HOSTILE, model

WORDS = {"process_id": ("review", "quote"), "decision_id": ("discount",), "form_id": ("asked",),
         "form": ("csv", "json"), "document": ("HANDBOOK",),
         "name": ("charge-card", "throughput", "processes", "elements", "tasks", "retries", "compensation")}
"""What stands in addresses beside keys."""
ANSWERS = ("/find", "/preview", "/operations/new", "/audit/verification", "<path:file>")
"""Ends of addresses that answer a form with its arguments, or with a file, and not a visitor."""


def hostile(content):
    """A model in which everything that people name is markup."""
    name = escape(HOSTILE, quote=True)
    drawn = re.sub(rb'(<bpmn:(?:process|userTask|serviceTask|startEvent|endEvent)\b[^>]*? name=")([^"]*)"',
                   lambda found: found[1] + found[2] + b" " + name.encode() + b'"', content)
    return drawn.replace(b"Look at the amount and decide.", name.encode())


def furnish(engine):
    """Deploy and start something of every kind; the key of the instance that failed."""
    form = {"id": "asked", "type": "default", "schemaVersion": 19,
            "components": [{"type": "textfield", "key": "note", "id": "f", "label": HOSTILE}]}
    engine.execute(definitions.deploy, [Resource(name="pricing.dmn", content=model("pricing.dmn")),
                                        Resource(name="quote.bpmn", content=model("quote.bpmn")),
                                        Resource(name="asked.form", content=json.dumps(form).encode())])
    engine.execute(definitions.deploy, [Resource(name="review.bpmn", content=model("review.bpmn"))])
    definition = engine.execute(definitions.deploy, [
        Resource(name="review.bpmn", content=hostile(model("review.bpmn")))]).definitions[0]
    engine.execute(instances.start, "quote", variables={"amount": 1200, "customer": {"status": "gold"}})
    keys = [engine.execute(instances.start, "review", business_id=f"{number}{HOSTILE}",
                           variables={"note": HOSTILE, "amount": number}).key for number in range(4)]
    acting = engine.acting_as(HOSTILE[:100])
    first, second = (lists.user_tasks(engine, instance_key=key).items[0].key for key in keys[:2])
    engine.execute(user_tasks.complete, first, {})
    acting.execute(user_tasks.claim, second, "ann")
    acting.execute(comments.add, second, HOSTILE)
    job = engine.execute(activation.activate, ["charge-card"], worker=HOSTILE)[0]
    engine.execute(jobs.fail, job.key, HOSTILE, lock_token=job.lock_token)
    acting.execute(instances.suspend, keys[2], HOSTILE)
    acting.execute(instances.cancel, keys[3], HOSTILE)
    acting.execute(holds.hold, "ship", HOSTILE)
    acting.execute(messages.publish, HOSTILE, HOSTILE, {"note": HOSTILE})
    acting.execute(rules.add, "Too many failures", "incident", above=0)
    plan = acting.execute(plans.plan, "SUSPEND", {}, InstanceFilter(keys=(keys[1],)))
    while engine.execute(plans.judge, plan):
        pass
    acting.four_eyes = frozenset({"deployments"})
    with suppress(NeedsApproval):
        acting.execute(definitions.deploy, [Resource(name="more.bpmn", content=model("review.bpmn") + b"\n")])
    acting.four_eyes = frozenset()
    step = {"process_id": "review", "element_id": "charge", "name": HOSTILE, "service": "charge-card"}
    trial = {"step": step, "code": HOSTILE, "outcome": HOSTILE, "handlers": [], "remained": [], "by_hand": [],
             "kept": []}
    acting.execute(drills.record, definition.key, {"trials": [trial], "unreached": [], "runs": 1}, failures=1,
                   remained=0, unreached=0)
    return keys[0]


def routes(app):
    """The routes that people visit."""
    return [rule for rule in app.url_map.iter_rules() if "GET" in rule.methods
            and rule.endpoint.startswith(("console.", "login.page")) and not rule.rule.endswith(ANSWERS)]


def addresses(app, client):
    """The address of each page, and the routes of which nothing here is an example."""
    keys, found, missing = all_keys(app), [], []
    for rule in routes(app):
        page = next((address for address in candidates(rule, keys) if is_page(client, address)), None)
        if page:
            found.append(page)
        elif rule.arguments or not client.get(rule.rule).status_code < 400:
            missing.append(rule.rule)
    instance = next(address for address in found if re.fullmatch(r"/instances/\d+", address))
    found += [instance + each.replace("&amp;", "&") for each in sorted(set(
        re.findall(r'href="[^"]*?(\?tab=\w+)"', client.get(instance).text)))]
    return found, missing


def is_page(client, address):
    return client.get(address).status_code == 200


def all_keys(app):
    """Every key in the database, the newest first."""
    with app.extensions["engine"].read() as connection:
        tables = [table for table in inspect(connection).get_table_names()
                  if any(column["name"] == "key" for column in inspect(connection).get_columns(table))]
        rows = [row[0] for table in tables for row in connection.execute(text(f'SELECT key FROM "{table}"'))]
    return sorted({key for key in rows if isinstance(key, int)}, reverse=True)


def candidates(rule, keys):
    made = [rule.rule]
    for argument in sorted(rule.arguments):
        values = [*map(str, keys)] if argument == "key" else WORDS.get(argument, ())
        made = [re.sub(rf"<(?:\w+:)?{argument}>", value, address) for address in made for value in values]
    return made


class Read(HTMLParser):
    """What people see and hear of a page, its elements, and the controls that cannot be used."""

    SILENT = {"script", "style", "textarea", "code", "pre", "kbd"}
    SPOKEN = ("aria-label", "title", "placeholder", "alt")

    def __init__(self, html):
        super().__init__()
        self.text, self.attributes, self.elements, self.disabled = "", [], [], []
        self._silent = 0
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self._silent += tag in self.SILENT
        self.elements.append((tag, given))
        self.attributes += [given[name] for name in self.SPOKEN if given.get(name)]
        if "disabled" in given or given.get("aria-disabled") == "true":
            self.disabled.append((tag, given))

    def handle_endtag(self, tag):
        self._silent -= tag in self.SILENT
        self.text += " "

    def handle_data(self, data):
        self.text += "" if self._silent else data
