"""Shows programs a single value that is hidden from whoever only looks on."""

from __future__ import annotations

from typing import Any

from engine import revealing
from web.api.operation import acting, posting
from web.body import Body

TEXT = {"type": ["string", "null"]}


@posting("/api/instances/<key:key>/variables/revelation",
         "Show a value that is hidden; the audit trail keeps who saw it.",
         {"name": {"type": "string"},
          "scopeKey": {**TEXT, "description": "The key of an element instance, for a variable of its own."},
          "reason": {**TEXT, "description": "Why; the audit trail keeps it."}},
         required=["name"], schema={"type": "object", "properties": {"name": {"type": "string"}, "value": {}}})
def reveal_variable(sent: Body, key: int) -> dict[str, Any]:
    """The value of a variable."""
    name = sent.required_text("name")
    value = acting().execute(revealing.variable, key, name, sent.key("scopeKey"), sent.text("reason"))
    return {"name": name, "value": value}
