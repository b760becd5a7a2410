"""The command line `partitur`: every command prints a table for people, or JSON with `--json` for programs.

Exit codes: 0 done; 1 refused or failed, and a sentence said why; 2 the command was not understood.
"""

from __future__ import annotations

import typer

from web.cli.group import Commands

COMMANDS = {
    "demo": "demo:demo",
    "serve": "serving:serve",
    "worker": "serving:worker",
    "scheduler": "serving:scheduler",
    "check": "checking:check",
    "deploy": "deploying:deploy",
    "start": "deploying:start",
    "instances": "watching:list_instances",
    "show": "watching:show",
    "incidents": "watching:list_incidents",
    "retry": "operating:retry",
    "care": "caring:care",
    "effects": "effects:list_effects",
    "decide": "effects:decide",
    "hold": "effects:hold",
    "release": "effects:release",
    "suspend": "operating:suspend",
    "resume": "operating:resume",
    "cancel": "operating:cancel",
    "modify": "moving:modify",
    "migrate": "moving:migrate",
    "restart": "moving:restart",
    "fire": "happening:fire",
    "deliver": "happening:deliver",
    "operations": "operations:operations",
    "approvals": "approving:approvals",
    "secrets": "secrets:secrets",
    "tenants": "tenants:tenants",
    "events": "events:events",
    "inbound": "inbound:inbound",
    "alerts": "alerts:alerts",
    "drill": "drilling:drill_process",
    "templates": "operating:templates",
    "audit": "audit:audit",
    "pause": "pausing:pause",
    "unpause": "pausing:unpause",
    "retention": "retention:retention",
    "upgrade": "operating:upgrade_database",
    "users": "access:users",
    "tokens": "access:tokens",
    "roles": "roles:roles",
    "sessions": "sessions:sessions",
    "feel": "feel:feel",
    "dmn": "dmn:dmn",
    "doctor": "doctor:doctor",
}
"""Where each command is: the module and its function. A module is read when its command is asked for, because it brings
the engine along."""


class Partitur(Commands):
    """All commands."""

    table = COMMANDS


app = typer.Typer(
    name="partitur",
    cls=Partitur,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Process orchestration: BPMN diagrams from Camunda Modeler, run on SQLite or PostgreSQL.",
)


@app.callback()
def partitur() -> None:
    """Makes a group of it: its commands are in `COMMANDS`."""


def main() -> None:
    """Run the command line."""
    app()
