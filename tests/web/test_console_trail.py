"""The page and the commands of the audit trail: filters, files, verification."""

from __future__ import annotations

import csv
import io
import json

import pytest
from sqlalchemy import update

from engine import chain, instances, schema
from engine.engine import Engine
from engine.queries import trail as queries
from tests.web.test_cli import partitur  # noqa: F401
from web import trail


@pytest.fixture
def acts(engine, story):
    """Somebody suspends one of two instances; the trail is sealed."""
    story.deploy()
    one, other = story.start(business_id="one"), story.start(business_id="other")
    engine.acting_as("ann").execute(instances.suspend, one, "=cmd|' /C calc'!A0")
    chain.seal_all(engine)
    return one, other


def tamper(engine, position=2):
    with engine.database.write() as connection:
        connection.execute(update(schema.audit).where(schema.audit.c.position == position).values(actor="nobody"))


def test_filters_are_in_the_address(console, acts):
    one, other = acts
    def reasons(query):
        return console.text(f"/audit?{query}").count("cmd|")
    assert reasons("") >= 1
    for query in ("actor=ann", "kind=SUSPEND+INSTANCE", "text=CALC", f"instance={one}", "since=2020-01-01T00:00",
                  "operation=suspend"):
        assert reasons(query), query
    for query in ("actor=bob", "kind=CANCEL+INSTANCE", "text=nothing", f"instance={other}", "until=2020-01-01T00:00",
                  "text=%25", "text=_md%7C"):
        assert not reasons(query), query
    nothing = console.text("/audit?actor=bob")
    assert "No entry matches" in nothing
    assert "Whatever people or programs do" not in nothing
    assert "Expected a time" in console.text("/audit?since=yesterday", 422)


def test_text_is_looked_for_in_the_newest_entries_unless_all_are_asked_for(console, engine, acts, monkeypatch):
    # given that the entry is older than what is looked through
    engine.acting_as("bob").execute(instances.resume, acts[0], "better")
    monkeypatch.setattr(queries, "LOOKED_THROUGH", 1)

    # then the page says so, and leads to all of it
    page = console.text("/audit?text=CALC")
    assert "cmd|" not in page
    assert "newest 1 entries only" in page
    assert "thorough=1" in page
    whole = console.text("/audit?text=CALC&thorough=1")
    assert "cmd|" in whole
    assert "newest 1 entries only" not in whole
    # And so does what is new enough, or narrowed by something else.
    assert "cmd|" in console.text("/audit?text=CALC&actor=ann")
    assert "newest 1 entries only" not in console.text("/audit?text=CALC&actor=ann")
    assert console.text("/audit.csv?text=CALC").count("cmd|") == 1


def test_page_shows_what_changed(console, acts):
    page = console.text("/audit?actor=ann")
    assert "suspended</dt>" in page


def test_files_have_what_the_filter_lets_through(console, acts):
    rows = [*csv.DictReader(io.StringIO(console.text("/audit.csv?actor=ann")))]
    assert [row["operation"] for row in rows] == ["SUSPEND"]
    assert rows[0]["reason"].startswith("'=cmd")
    lines = console.text("/audit.jsonl").splitlines()
    assert [json.loads(line)["position"] for line in lines] == [*range(1, len(lines) + 1)]
    assert console.get("/audit.xml").status_code == 422


def test_chain_is_verified_from_a_file_without_the_database(console, acts):
    lines = console.text("/audit.jsonl").splitlines()
    assert trail.verify(lines) == (len(lines), 0, None)
    assert trail.verify(reversed(lines)) == (len(lines), 0, None)
    forged = [line.replace('"ann"', '"bob"') for line in lines]
    checked, _, broken = trail.verify(forged)
    assert (checked, broken.position) == (len(lines) - 1, len(lines))
    assert trail.verify(lines[1:])[2].position == 1
    new = json.dumps(json.loads(lines[-1]) | {"position": None, "hash": None})
    assert trail.verify([*lines, new]) == (len(lines), 1, None)
    noted = json.loads(lines[-1])
    assert trail.verify(lines[:-1], (noted["position"], noted["hash"]))[2].position == len(lines)


def test_page_of_the_verification_names_the_first_wrong_entry(console, engine, acts):
    assert "each is as it was sealed" in console.text("/audit/verification")
    tamper(engine)
    page = console.text("/audit/verification")
    assert "Entry 2 of the chain" in page


def test_api_verifies(app, engine, acts):
    client = app.test_client()
    assert client.get("/api/audit/verification").json["broken"] is None
    tamper(engine)
    assert client.get("/api/audit/verification").json["broken"]["position"] == 2


def test_command_lists_exports_and_verifies(partitur, tmp_path):  # noqa: F811
    partitur("secrets", "list")
    url = f"sqlite:///{tmp_path / 'data' / 'partitur.db'}"
    engine = Engine(url)
    from engine import retention
    from tests.engine import drawing

    engine.acting_as("ann").execute(
        __import__("engine.definitions", fromlist=["deploy"]).deploy,
        [drawing.file(drawing.process("p", drawing.start(), drawing.end()))])
    engine.execute(retention.set_days, "p", 5, reason="tidy")
    file = tmp_path / "audit.jsonl"
    verdict = partitur("audit", "verify")
    assert (verdict["checked"], verdict["head"]["position"]) == (2, 2)
    noted = f"{verdict['head']['position']}:{verdict['head']['hash']}"
    assert partitur("audit", "verify", "--expect", noted)["checked"] == 2
    assert partitur("audit", "list", "--actor", "ann")["total"] == 1
    assert partitur("audit", "export", file)["entries"] == 2
    assert partitur("audit", "verify", file, "--expect", noted)["checked"] == 2
    assert "Exported 2" in partitur("audit", "export", tmp_path / "a.csv", "--format", "csv", as_json=False).output
    tamper(engine, 1)
    engine.close()
    refused = partitur("audit", "verify", code=1)
    assert refused["details"]["broken"]["position"] == 1
    assert partitur("audit", "verify", file)["checked"] == 2
    assert "POSITION:HASH" in partitur("audit", "verify", "--expect", "x", code=1)["error"]
    assert "line 1" in partitur("audit", "verify", tmp_path / "a.csv", code=1)["error"]
    assert "can be read" in partitur("audit", "verify", tmp_path / "missing", code=1)["error"]
