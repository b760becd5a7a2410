"""The pages of forms, without a browser; and the other doors that forms come in by."""

from __future__ import annotations

import io
import json

import pytest
from typer.testing import CliRunner

from engine.queries import forms, lists
from web.cli import app as partitur

FORM = {"id": "order", "type": "default", "schemaVersion": 19, "components": [
    {"type": "textfield", "id": "f", "key": "name", "label": "Name", "validate": {"required": True}}]}


@pytest.fixture
def uploaded(console, engine):
    answer = console.post("/deployments", {"files": (io.BytesIO(json.dumps(FORM).encode()), "order.form")})
    assert answer.headers["Location"] == "/forms/order?version=1"
    return forms.versions(engine, "order")[0]


def test_an_uploaded_form_is_listed_and_shown(console, uploaded):
    assert "/forms/order" in console.text("/forms")
    page = console.text("/forms/order?data=%7B%22name%22%3A%22Anna%22%7D")
    assert "Nothing that you enter here is kept." in page
    assert "&#34;name&#34;: &#34;Anna&#34;" in page
    assert json.loads(console.text(f"/forms/{uploaded.key}/file")) == FORM


def test_a_broken_form_is_refused_with_its_reason(console, engine):
    answer = console.post("/deployments", {"files": (io.BytesIO(b'{"id": "a"}'), "bad.form")})
    assert answer.status_code == 422
    assert "list of components, but it has nothing" in answer.text
    assert forms.latest(engine) == ()


def test_a_trial_says_what_would_be_taken_and_keeps_nothing(console, engine, uploaded):
    before = lists.audit(engine).total
    sent = {"HX-Request": "true"}
    good = console.post(f"/forms/{uploaded.key}/trial", {"form-data": '{"name": "Anna", "x": 1}'}, headers=sent)
    assert "Anna" in good.text
    assert "x" not in good.text.partition("<pre")[2].partition("{")[2].partition("}")[0].replace("Anna", "")
    bad = console.post(f"/forms/{uploaded.key}/trial", {"form-data": "{}"}, headers=sent)
    assert bad.status_code == 422
    assert "Name: Field is required." in bad.text
    assert "data-field-errors" in bad.text
    assert lists.audit(engine).total == before


@pytest.mark.parametrize("path", ["/forms/gone", "/forms/order?version=7"])
def test_a_form_that_is_not_there_is_not_found(console, uploaded, path):
    assert "to be deployed, but it is not." in console.text(path, 404)


@pytest.mark.parametrize("data", ["{", "7"])
def test_odd_data_does_no_harm(console, uploaded, data):
    assert console.get(f"/forms/order?data={data}").status_code in (200, 422)


def test_the_command_line_deploys_forms(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/cli.db")
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "order.form").write_text(json.dumps(FORM))
    done = CliRunner().invoke(partitur, ["deploy", str(tmp_path / "models")])
    assert done.exit_code == 0, done.output
    assert "order.form" in done.output
