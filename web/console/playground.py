"""A place to try FEEL expressions: evaluated here on the server, with the budgets of every expression."""

from __future__ import annotations

from flask import render_template, request
from flask.typing import ResponseReturnValue

from bpmn.feel import FeelSyntaxError
from bpmn.feel.trial import Trial, caret, try_out
from engine.errors import InvalidInput
from web.console import forms
from web.console.blueprint import bp

EXAMPLE = 'if customer.status = "gold" and sum(order.items.price) > 100\nthen order.discount * 2\nelse order.discount'
CONTEXT = """{
  "customer": {"name": "Ada", "status": "gold"},
  "order": {"discount": 0.05, "items": [{"name": "tea", "price": 80}, {"name": "cup", "price": 45}]}
}"""
LONGEST_CONTEXT = 1_000_000


@bp.get("/feel")
def playground() -> ResponseReturnValue:
    """The page, with an example, or the expression that the address brings."""
    expression = request.args.get("expression")
    fresh = expression is None
    return render_template("playground.html", section="decisions", expression=EXAMPLE if fresh else expression,
                           context=CONTEXT if fresh else request.args.get("context", "{}"))


@bp.post("/feel")
def try_expression() -> ResponseReturnValue:
    """What comes of an expression: a part of the page. Nothing is kept."""
    expression, text = request.form.get("expression", ""), request.form.get("context", "")
    if len(text) > LONGEST_CONTEXT:
        raise InvalidInput(f"Expected a context of at most {LONGEST_CONTEXT:,} characters, but it has {len(text):,}.")
    context = forms.json_object("context", "the context")
    trial, mark, trouble = Trial(), None, None
    if expression.strip():
        try:
            trial = try_out(expression, context)
            trouble = trial.error
        except FeelSyntaxError as error:
            trouble, mark = error.message, caret(error.text, error.position)
    return render_template("_trial.html", trial=trial, trouble=trouble, mark=mark, empty=not expression.strip())
