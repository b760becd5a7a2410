"""What commands print."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from rich.console import Console

from web.cli.terminal import plain, table


@dataclass(frozen=True)
class Row:
    key: int
    parent_key: int | None
    version: int
    root_keys: tuple[int, ...] = ()


def test_keys_are_strings_of_digits_in_json_and_other_numbers_stay_numbers():
    assert plain(Row(key=2**60, parent_key=None, version=3, root_keys=(7,))) == {
        "key": str(2**60), "parent_key": None, "version": 3, "root_keys": ["7"]}


def test_the_data_of_a_process_keeps_its_numbers():
    assert plain({"customer_key": 5}) == {"customer_key": 5}


def test_times_and_decimals_become_what_json_has():
    at = datetime(2026, 1, 2, tzinfo=UTC)
    value = {"at": at, "took": timedelta(seconds=1.5), "sum": Decimal("1.5"), "n": Decimal(2)}
    assert plain(value) == {"at": "2026-01-02T00:00:00+00:00", "took": 1.5, "sum": 1.5, "n": 2}


def test_texts_of_others_are_not_markup():
    console = Console(width=80, record=True, file=None)
    with console.capture() as shown:
        console.print(table(["name"], [["[red]not red[/red]"]]))
    assert "[red]not red[/red]" in shown.get()
