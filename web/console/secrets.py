"""The secrets that diagrams name: what is stored, and nothing of the values."""

from __future__ import annotations

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine import secrets as store
from web.console import forms
from web.console.blueprint import acting, bp, done, engine


@bp.get("/secrets")
def secrets() -> ResponseReturnValue:
    """The secrets that are stored, by name."""
    return render_template("secrets.html", section="services", secrets=store.all_of_them(engine()),
                           name=request.args.get("name", ""))


@bp.post("/secrets")
def set_secret() -> ResponseReturnValue:
    """Store a secret, or replace its value."""
    name = request.form.get("name", "").strip()
    # A browser sends line ends as CR LF, whatever they were.
    is_new = acting().execute(store.put, name, request.form.get("value", "").replace("\r\n", "\n"))
    sentence = _("%(name)s is stored.", name=name) if is_new else _("%(name)s is replaced.", name=name)
    return done(sentence, url_for("console.secrets"))


@bp.post("/secrets/deletion")
def delete_secret() -> ResponseReturnValue:
    """Delete a secret."""
    name = request.form.get("name", "")
    acting().execute(store.remove, name, forms.reason())
    return done(_("%(name)s is deleted.", name=name), url_for("console.secrets"), "terminated")
