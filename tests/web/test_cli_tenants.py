"""`partitur tenants`, and the commands that name one."""

from __future__ import annotations

from tests.engine.drawing import end, file, process, service, start
from tests.web.test_cli import partitur

__all__ = ["partitur"]


def test_tenants_are_kept_by_commands_and_named_by_others(partitur, tmp_path):
    model = tmp_path / "work.bpmn"
    model.write_bytes(file(process("work", start(), service("do"), end())).content)
    limits = ("--starts-per-second", "9", "--jobs-at-once", "4")
    assert partitur("tenants", "add", "eu", "--name", "Europe", *limits)["id"] == "eu"
    assert "1 to 31 letters" in partitur("tenants", "add", "a b", code=1)["error"]
    changed = partitur("tenants", "change", "eu", "--description", "All of it", "--starts-per-second", "0")
    assert (changed["name"], changed["description"], changed["starts_per_second"]) == ("Europe", "All of it", None)
    assert changed["jobs_at_once"] == 4
    assert partitur("deploy", str(model), "--tenant", "eu")["tenant_id"] == "eu"
    assert "'us'" in partitur("deploy", str(model), "--tenant", "us", code=1)["error"]
    assert "to be deployed, but it is not" in partitur("start", "work", code=1)["error"]
    made = partitur("start", "work", "--tenant", "eu")
    assert made["tenant_id"] == "eu"
    for tenant, count in (("eu", 1), ("us", 0)):
        assert len(partitur("instances", "--tenant", tenant)["instances"]) == count
    assert partitur("pause", "work", "--reason", "Why not.", "--tenant", "eu")["paused"]
    assert "paused them" in partitur("start", "work", "--tenant", "eu", code=1)["error"]
    assert partitur("retention", "work", "30", "--reason", "Enough.", "--tenant", "eu")["versions"] == 1
    assert "has deployments" in partitur("tenants", "remove", "eu", "--reason", "Gone.", code=1)["error"]
    partitur("tenants", "add", "us")
    assert partitur("tenants", "remove", "us", "--reason", "Gone.")["removed"]
    assert [tenant["id"] for tenant in partitur("tenants", "list")["tenants"]] == ["<default>", "eu"]
