"""Statements that are sent many times: compiled once, and sent by the driver itself.

SQLAlchemy's own way of executing a statement costs several times what SQLite takes for it. Here its compiler writes the
SQL and its types convert the values, once per statement; each execution is then the driver's cursor and nothing else.
Errors, events and the transaction are those of the SQLAlchemy connection, so that nobody can tell the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import repeat
from operator import is_, itemgetter
from typing import Any, cast
from weakref import WeakKeyDictionary

from sqlalchemy import Boolean, ClauseElement, Connection, Dialect, Executable
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.engine.row import Row
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

AnyRow = Row[*tuple[Any, ...]]
"""A row that was read."""

Convert = Callable[[Any], Any]

Parameters = Callable[[Sequence[Mapping[str, Any]]], Sequence[Any]]
"""What makes of rows the parameters of a statement for each of them."""

_NUMBERS = {True: 1, False: 0, None: None}
"""Booleans as SQLite has them; the driver would ask for an adapter of each."""

LONGEST_LIST = 512
"""Lists of values up to this length are sent here; longer ones are rare, and each length is a statement of its own."""


def send(connection: Connection, sql: str, parameters: Any = None, *, many: bool = False) -> Any:
    """Send a statement through the driver's cursor, which is returned; errors are raised as SQLAlchemy's."""
    fairy = connection.connection
    cursor = fairy.cursor()
    listeners = connection.dispatch.before_cursor_execute
    if listeners:
        for listener in listeners:
            listener(connection, cursor, sql, () if parameters is None else parameters, None, many)
    try:
        if many:
            cursor.executemany(sql, parameters)
        elif parameters is None:
            cursor.execute(sql)
        else:
            cursor.execute(sql, parameters)
    except Exception as error:
        if not isinstance(error, connection.dialect.loaded_dbapi.Error):
            raise
        raise _told(connection, error, sql, parameters, many=many) from error
    return cursor


@contextmanager
def together(connection: Connection) -> Iterator[None]:
    """Send the writing statements of the block to PostgreSQL without waiting for the answer to each: one wait for all.

    The first that fails is the error of the block; those behind it were not carried out. Which one it was is told by
    PostgreSQL's sentence only. Source: PostgreSQL manual, libpq's pipeline mode.
    """
    driver, faults = cast(Any, connection.connection.driver_connection), connection.dialect.loaded_dbapi.Error
    failed: BaseException | None = None
    try:
        with driver.pipeline() as pipeline:
            try:
                yield
            except BaseException as error:
                # Kept from psycopg, which would log that what was sent behind it came to nothing.
                failed = error
                with suppress(faults):
                    pipeline.sync()
    except Exception as error:
        if failed is None:
            if not isinstance(error, faults):
                raise
            # That the pipeline cannot be left is told instead of why: the server ended the connection, say.
            first = error.__context__ if isinstance(error.__context__, faults) else error
            failed = _told(connection, first, "(several statements together)", None, many=False)
            failed.__cause__ = first
    if not connection.invalidated and driver.pgconn.pipeline_status:
        connection.invalidate(failed)       # nothing can be sent on it any more, not even that it is rolled back
    if failed is not None:
        raise failed


def _told(connection: Connection, error: Exception, sql: str, parameters: Any, *, many: bool) -> BaseException:
    """An error of the driver as SQLAlchemy tells it; a connection that is gone is not used again."""
    broken = connection.dialect.is_disconnect(cast(Any, error), cast(Any, connection.connection), None)
    if broken:
        connection.invalidate(error)
    return DBAPIError.instance(sql, parameters, error, connection.dialect.loaded_dbapi.Error,
                               connection_invalidated=broken, dialect=connection.dialect, ismulti=many)


class Savepoint:
    """A part of a transaction that can be taken back alone."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        send(connection, "SAVEPOINT part").close()

    def release(self) -> None:
        """Keep it."""
        send(self._connection, "RELEASE SAVEPOINT part").close()

    def roll_back(self) -> None:
        """Take it back."""
        send(self._connection, "ROLLBACK TO SAVEPOINT part").close()
        self.release()


class Prepared:
    """A statement that writes: compiled once for values of these names, all of which every row has."""

    def __init__(self, statement: Executable, dialect: Dialect, names: Iterable[str]) -> None:
        compiled = _compiled(statement, dialect, list(names))
        self._sql = str(compiled)
        given = set(names)
        own = compiled.construct_params(_check=False)
        processors = _processors(compiled, dialect)
        # What the statement itself says is converted once.
        fixed = {name: processors[name](value) if name in processors else value
                 for name, value in own.items() if name not in given}
        positions = compiled.positiontup
        self._parameters = _by_name(given, processors, fixed) if positions is None else \
            _in_order(positions, processors, fixed)

    def execute(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run the statement once for each row of values."""
        given = self._parameters(rows)
        if len(given) == 1:
            send(connection, self._sql, given[0]).close()
        else:
            send(connection, self._sql, given, many=True).close()


class Selection:
    """A statement that reads: its rows are SQLAlchemy's, and so are their values."""

    def __init__(self, statement: Executable, dialect: Dialect) -> None:
        compiled = _compiled(statement, dialect, None)
        self._compiled, self._dialect = compiled, dialect
        self._lists = sorted(name for bind, name in compiled.bind_names.items() if bind.expanding)
        self._fixed = dict(compiled.construct_params(_check=False))
        self._variants: dict[tuple[int, ...], _Variant] = {}
        columns = compiled._result_columns
        self._metadata = SimpleResultMetaData([column.keyname for column in columns])
        self._types = [column.type for column in columns]
        self._results: list[Any] | None = None

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[AnyRow] | None:
        """All rows; None if it cannot be sent from here: a list of values is empty or very long."""
        given = {**self._fixed, **values}
        sizes = []
        if self._lists:
            for name in self._lists:
                listed = list(given[name])
                if not 0 < len(listed) <= LONGEST_LIST:
                    return None
                # The next power of two, its last value again and again: few statements, and the same rows.
                size = 1 << (len(listed) - 1).bit_length()
                given[name] = listed + listed[-1:] * (size - len(listed))
                sizes.append(size)
        lengths = tuple(sizes)
        variant = self._variants.get(lengths)
        if variant is None:
            variant = self._variants[lengths] = _Variant(self._compiled, self._dialect, given)
        cursor = send(connection, variant.sql, variant.parameters(given))
        found = cursor.fetchall()
        if not found:
            cursor.close()
            return []
        if self._results is None:
            self._results = [
                type.dialect_impl(self._dialect).result_processor(self._dialect, described[1])
                for type, described in zip(self._types, cursor.description, strict=True)
            ]
        cursor.close()
        metadata, results, index = self._metadata, self._results, self._metadata._key_to_index
        return [Row(metadata, results, index, data) for data in found]


class _Variant:
    """The statement for lists of values of certain lengths."""

    def __init__(self, compiled: SQLCompiler, dialect: Dialect, values: Mapping[str, Any]) -> None:
        state = compiled.construct_expanded_state(dict(values), escape_names=False)
        self.sql = state.statement
        own = _processors(compiled, dialect)
        self._expansion = {name: list(names) for name, names in state.parameter_expansion.items()}
        self._convert = {name: convert for name, convert in own.items() if name not in self._expansion}
        for name, names in self._expansion.items():
            if name in own:
                self._convert.update(dict.fromkeys(names, own[name]))
        positions = state.positiontup
        self._pick = None if positions is None else _picker(positions)

    def parameters(self, values: dict[str, Any]) -> Any:
        """What the driver is given for these values, which are changed."""
        for name, names in self._expansion.items():
            values.update(zip(names, values.pop(name), strict=True))
        for name, convert in self._convert.items():
            values[name] = convert(values[name])
        return values if self._pick is None else self._pick(values)


class Statements:
    """The statements of one database, each prepared when it is seen for the second time.

    One that was made for a single use is gone by then; those that are constants of a module come again and again.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._selections: WeakKeyDictionary[Executable, Selection | None] = WeakKeyDictionary()

    def select(self, connection: Connection, statement: Executable, values: Mapping[str, Any]) -> Sequence[AnyRow]:
        """The rows of a statement. The connection is in a transaction already."""
        if connection.dialect is not self._dialect:
            # It compiles in its own way (engine.sighted).
            return connection.execute(statement, values).fetchall()
        try:
            selection = self._selections[statement]
        except KeyError:
            self._selections[statement] = None
            return connection.execute(statement, values).fetchall()
        if selection is None:
            selection = self._selections[statement] = Selection(statement, self._dialect)
        rows = selection.rows(connection, values)
        return connection.execute(statement, values).fetchall() if rows is None else rows


def _compiled(statement: Executable, dialect: Dialect, names: list[str] | None) -> SQLCompiler:
    compiled = cast(ClauseElement, statement).compile(dialect=dialect, column_keys=names)
    assert isinstance(compiled, SQLCompiler)
    return compiled


def _processors(compiled: SQLCompiler, dialect: Dialect) -> dict[str, Convert]:
    found = {name: _processor(bind.type, dialect) for bind, name in compiled.bind_names.items()}
    return {name: processor for name, processor in found.items() if processor is not None}


def _processor(type: TypeEngine[Any], dialect: Dialect) -> Convert | None:
    if isinstance(type, Boolean) and not dialect.supports_native_boolean:
        return _NUMBERS.__getitem__
    processor: Convert | None = type.dialect_impl(dialect).bind_processor(dialect)
    return processor


def _in_order(positions: Sequence[str], processors: Mapping[str, Convert], fixed: Mapping[str, Any]) -> Parameters:
    """What makes of rows the values that a driver wants in the order of its statement.

    They are converted column by column: the loops are the interpreter's own, not ours.
    """
    own = [name for name in positions if name not in fixed]
    pick = _picker(own)
    convert = [(at, processors[name]) for at, name in enumerate(own) if name in processors]
    constant = [(at, fixed[name]) for at, name in enumerate(positions) if name in fixed]

    def one(row: Mapping[str, Any]) -> Sequence[Any]:
        values = list(pick(row))
        for at, processor in convert:
            values[at] = processor(values[at])
        for at, value in constant:
            values.insert(at, value)
        return values

    def made(rows: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
        if len(rows) == 1:
            return [one(rows[0])]
        columns: list[Any] = list(zip(*map(pick, rows), strict=True)) if own else []
        for at, processor in convert:
            columns[at] = _converted(processor, columns[at])
        for at, value in constant:
            columns.insert(at, repeat(value, len(rows)))
        return list(zip(*columns, strict=True)) if columns else [()] * len(rows)
    return made


def _converted(processor: Convert, values: Sequence[Any]) -> Iterable[Any]:
    """The values of a column for the driver. Often it is one and the same in all rows: the moment, or nothing."""
    first = values[0]
    if first is values[-1] and all(map(is_, values, repeat(first))):
        return repeat(processor(first), len(values))
    return map(processor, values)


def _by_name(names: Iterable[str], processors: Mapping[str, Convert], fixed: Mapping[str, Any]) -> Parameters:
    """What makes of rows the values that a driver wants by their names."""
    convert = [(name, processors[name]) for name in names if name in processors]

    def one(row: Mapping[str, Any]) -> dict[str, Any]:
        values = {**row, **fixed}
        for name, processor in convert:
            values[name] = processor(values[name])
        return values
    return lambda rows: [one(row) for row in rows]


def _picker(positions: Sequence[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """What gives the values of these names, in their order."""
    if len(positions) == 1:
        only = positions[0]
        return lambda values: (values[only],)
    return itemgetter(*positions) if positions else lambda values: ()
