"""`partitur modify`, `partitur migrate` and `partitur restart`."""

from __future__ import annotations

import pytest

from tests.engine import drawing
from tests.engine.test_modification import LINE
from tests.web.test_cli import partitur

__all__ = ["partitur"]
WHY = ("--reason", "Because.")


@pytest.fixture
def deploy(partitur, tmp_path):
    def do(*parts):
        file = tmp_path / "test.bpmn"
        file.write_bytes(drawing.file(*parts).content)
        return partitur("deploy", file)
    return do


def version(*nodes):
    return drawing.process("p", drawing.start(), *nodes, drawing.end())


def test_tokens_are_put_taken_and_moved(partitur, deploy):
    deploy(LINE)
    key = partitur("start", "p")["key"]
    assert partitur("modify", key, "--move", "a=c", *WHY)["elements"] == ["c"]
    assert partitur("modify", key, "--after", "a", "--put", "a", "--take", "c", *WHY)["elements"] == ["a", "b"]
    said = partitur("modify", key, "--take", "a", "--take", "b", *WHY, as_json=False)
    assert "it ended" in said.stdout
    assert partitur("show", key)["row"]["state"] == "TERMINATED"


def test_what_cannot_be_moved_is_refused(partitur, deploy):
    deploy(LINE)
    key = partitur("start", "p")["key"]
    for arguments, sentence in ((("--move", "a"), "--move"), (("--put", "x"), "'x'"), (("--take", "99"), "99"),
                                ((), "tokens to put, take or move")):
        assert sentence in str(partitur("modify", key, *arguments, *WHY, code=1))
    partitur("modify", key, "--put", "c", code=2)


def test_instances_are_migrated_and_those_that_do_not_fit_stay(partitur, deploy):
    deploy(version(drawing.user("look"), drawing.user("sign")))
    first, second = partitur("start", "p")["key"], partitur("start", "p")["key"]
    partitur("modify", second, "--move", "look=sign", *WHY)
    deploy(version(drawing.user("review")))
    planned = partitur("migrate", first, second, "--to", 2, "--map", "look=review", "--dry-run", code=1)
    assert (planned["migrated"], list(planned["refused"])) == ([str(first)], [str(second)])
    assert partitur("show", first)["row"]["version"] == 1
    said = partitur("migrate", first, second, "--to", 2, "--map", "look=review", *WHY, code=1, as_json=False)
    assert "look → review" in said.stdout
    assert "stays" in said.stdout
    assert (partitur("show", first)["row"]["version"], partitur("show", second)["row"]["version"]) == (2, 1)


def test_elements_that_were_probably_renamed_are_mapped_when_asked(partitur, deploy):
    deploy(version(drawing.user("look").replace('name="look"', 'name="Look at it"')))
    key = partitur("start", "p")["key"]
    deploy(version(drawing.user("review").replace('name="review"', 'name="Look at it"'), drawing.user("sign")))
    partitur("migrate", key, "--to", 2, *WHY, code=1)
    assert partitur("migrate", key, "--to", 2, "--suggested", *WHY)["migrated"] == [str(key)]


def test_what_cannot_be_migrated_is_refused(partitur, deploy):
    deploy(version(drawing.user("look")))
    key = partitur("start", "p")["key"]
    for arguments, sentence in ((("--to", 7, *WHY), "version 7"), (("--to", 1), "--reason"),
                                (("--to", 1, "--map", "x", *WHY), "--map")):
        assert sentence in str(partitur("migrate", key, *arguments, code=1))
    assert "99" in str(partitur("migrate", 99, "--to", 1, *WHY, code=1))


def test_an_ended_instance_is_restarted_after_what_may_repeat_is_told(partitur, deploy):
    deploy(LINE)
    key = partitur("start", "p", "--variables", '{"x": 1}')["key"]
    assert partitur("restart", key, "--at", "b", "--dry-run") == {"key": None, "mayRepeat": []}
    partitur("cancel", key, *WHY)
    assert "may repeat: 0" in partitur("restart", key, "--dry-run", as_json=False).stdout
    made = partitur("restart", key, "--at", "b", *WHY)["key"]
    assert made != str(key)
    shown = partitur("show", made)
    assert [row["element_id"] for row in shown["elements"] if row["state"] == "ACTIVE"] == ["b"]
    assert partitur("restart", made, "--at", "a", *WHY)["key"] == made
    # and in another version, which has an element that this one has not
    deploy(drawing.process("p", drawing.start(), drawing.user("new"), drawing.end()))
    assert partitur("restart", key, "--to", "2", "--at", "new", "--dry-run")["key"] is None
    anew = partitur("restart", key, "--to", "2", "--at", "new", *WHY)["key"]
    shown = partitur("show", anew)
    assert (shown["row"]["version"], [row["element_id"] for row in shown["elements"]]) == (2, ["new"])
    assert "version 9" in str(partitur("restart", key, "--to", "9", *WHY, code=1))
    for arguments, sentence in ((("--at", "x", *WHY), "'x'"), (("--at", "a"), "--reason"), (WHY, "elements")):
        assert sentence in str(partitur("restart", made, *arguments, code=1))
