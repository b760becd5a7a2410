"""Conditions of large lists, said so that SQLite and PostgreSQL find what they mean by the same way."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    Select,
    String,
    Subquery,
    Text,
    UnaryExpression,
    any_,
    column,
    func,
    literal,
    literal_column,
    select,
    true,
    union_all,
    values,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import custom_op

from engine.columns import to_json

LARGEST = 2**31 - 1
"""The largest number that columns of small numbers hold; PostgreSQL compares them with no larger one."""


def within(number: int) -> int:
    """A number that columns of small numbers can be compared with."""
    return max(-LARGEST, min(number, LARGEST))


def whatever_case(column: ColumnElement[Any], text: str, connection: Connection) -> ColumnElement[bool]:
    """Whether a column contains a text, in whatever case; by the quickest way for a column with a million rows."""
    if connection.dialect.name == "sqlite":
        # LIKE is for any case, that of ASCII letters as in `lower`.
        return column.contains(text, autoescape=True)
    if text.upper() == text.lower():
        # Without letters there is no case, and LIKE takes half as long.
        return column.contains(text, autoescape=True)
    # The rules of "C", if these are the column's, know ASCII letters only, and are the quicker for it.
    return (column if text.isascii() else column.collate("default")).icontains(text, autoescape=True)


class LikeInAnyCase(FunctionElement[bool]):
    """Whether a text fits a pattern, in whatever case: `LikeInAnyCase(column, pattern)`; a backslash quotes."""

    type = Boolean()
    inherit_cache = True


class LikeInAnyAsciiCase(LikeInAnyCase):
    """The same with a pattern that has letters of ASCII only."""

    inherit_cache = True


@compiles(LikeInAnyCase)
def _by_ilike(element: LikeInAnyCase, compiler: SQLCompiler, **more: Any) -> str:
    text, pattern = (compiler.process(each, **more) for each in element.clauses)
    # LIKE of SQLite is for any case, that of ASCII letters; SQLAlchemy would have it make each text lower first.
    word = "LIKE" if compiler.dialect.name == "sqlite" else "ILIKE"
    return f"({text} {word} {pattern} ESCAPE '\\')"


@compiles(LikeInAnyAsciiCase, "postgresql")
def _by_ascii_letters(element: LikeInAnyAsciiCase, compiler: SQLCompiler, **more: Any) -> str:
    text, pattern = (compiler.process(each, **more) for each in element.clauses)
    # The rules of "C" know no other letters, and take half as long.
    return f"({text} COLLATE \"C\" ILIKE {pattern} ESCAPE '\\')"


def like(column: ColumnElement[Any], pattern: str) -> ColumnElement[bool]:
    """Whether a column fits a pattern of LIKE, in whatever case; by the quickest way for a column with a million rows.
    A backslash quotes."""
    if pattern.upper() == pattern.lower():
        # Without letters there is no case, and LIKE takes a third as long in PostgreSQL.
        return column.like(literal(pattern, Text()), escape="\\")
    return (LikeInAnyAsciiCase if pattern.isascii() else LikeInAnyCase)(column, literal(pattern, Text()))


def one_of(column: ColumnElement[Any], keys: Collection[int], connection: Connection) -> ColumnElement[bool]:
    """Whether a column has one of many keys, which are one parameter: neither database takes any number of those."""
    if connection.dialect.name == "sqlite":
        each = func.json_each(literal(to_json(sorted(keys)), Text())).table_valued("value")
        return column.in_(select(each.c.value))
    return column == any_(literal(sorted(keys), ARRAY(BigInteger())))


def must_be_led(connection: Connection) -> bool:
    """Whether the database follows any index that a condition names, because it has no figures of what is frequent."""
    return connection.dialect.name == "sqlite"


def not_by_index(column: ColumnElement[Any], connection: Connection) -> ColumnElement[Any]:
    """A column, said so that a database that must be led finds nothing by an index of it.

    Source: https://sqlite.org/optoverview.html#disqualifying_where_clause_terms_using_unary_.
    """
    if not must_be_led(connection):
        return column
    return UnaryExpression(column, operator=custom_op("+"), type_=column.type)


@contextmanager
def unsorted(connection: Connection) -> Iterator[None]:
    """Inside, PostgreSQL sorts nothing that an index has in the order that is asked for. For parts of an order of which
    it expects far fewer rows than there are: it would read and sort them all instead of the first ones.

    Source: https://www.postgresql.org/docs/current/runtime-config-query.html, `enable_sort`.
    """
    if connection.dialect.name == "sqlite":
        yield
        return
    connection.exec_driver_sql("SET LOCAL enable_sort = off")
    yield
    # Not after an error, which ends the transaction and the setting with it.
    connection.exec_driver_sql("SET LOCAL enable_sort = on")


def merged_parts(connection: Connection, pairs: Sequence[tuple[int, str]],
                 part: Callable[[ColumnElement[Any], ColumnElement[Any]], Select[Any]], by: Sequence[str], *,
                 descending: bool, most: int) -> Subquery:
    """The first `most` rows of several parts, one for each number and word, in the order of columns named `by`, in
    which an index has each part. Each database reads no more of them than it must, if it is told so in its way."""

    def turned(of: Any) -> list[ColumnElement[Any]]:
        return [of[name].desc() if descending else of[name].asc() for name in by]

    if not pairs:
        nothing = part(literal(0), literal("", Text()))
        return nothing.limit(0).subquery("merged")
    if connection.dialect.name == "sqlite":
        # Source: https://sqlite.org/lang_select.html#compound_select_statements; a UNION ALL with an order merges what
        # its parts have in this order already.
        words = [part(literal(number), literal_column(f"'{word}'")) for number, word in pairs]
        whole = union_all(*words) if len(words) > 1 else words[0]
        names: Any = {name: literal_column(name) for name in by}
        return whole.order_by(*turned(names)).limit(most).subquery("merged")
    given = values(column("number", BigInteger()), column("word", String()), name="given").data(list(pairs))
    one = part(given.c.number, given.c.word)
    of_each = one.order_by(*turned(one.selected_columns)).limit(most).correlate(given).lateral("of_each")
    return select(*of_each.c).select_from(given.join(of_each, true())).order_by(
        *turned(of_each.c)).limit(most).subquery("merged")
