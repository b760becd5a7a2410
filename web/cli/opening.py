"""How a command gets at an engine or at a server."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.exc import SQLAlchemyError

from bpmn.python_scripts import PythonScripts, PythonScriptsMissing
from bpmn.reading.source import ScriptLanguages
from engine.cluster import agreed
from engine.engine import Engine
from engine.errors import SharedSessions, Unavailable
from engine.keyring import Keyring
from web import otel_logs
from web.auth.accessfile import AccessFile, AccessFileError
from web.cli import encryption
from web.cli.group import Refused
from web.cli.logs import configure_logging, formatter
from web.cli.settings import Settings, actor, shown_url
from web.otel import Exporter, TracingMissing, is_wanted
from web.otel_logs import LogExporter

Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar="PARTITUR_URL",
        metavar="URL",
        show_default=False,
        help="Ask this server instead of opening the database.",
    ),
]
"""The option of the commands that also work from afar."""


@contextmanager
def opened(settings: Settings | None = None, *, by_itself: bool = False) -> Iterator[Engine]:
    """The engine on our database, acting for whoever is at the keyboard, or `by_itself` when it is a server's.

    Raises:
        Refused: the database cannot be opened.
        WrongSchema: it belongs to another version of Partitur.
    """
    settings = settings or Settings.of()
    with reaching(settings):
        check_four_eyes(settings)
        scripts, exporter, logs = _scripts(settings), _exporter(), _log_exporter() if by_itself else None
        engine = _engine(settings, scripts.languages if scripts else {})
    engine.strict = settings.strict
    engine.keyring = Keyring(settings.secrets_keys, settings.data_dir / "secrets_key")
    engine.history = settings.history
    engine.masking = engine.masking.with_setting(settings.mask)
    engine.four_eyes = settings.four_eyes
    if not by_itself:
        engine.tell_others_at_once()
        engine.sealed = _tell_sealed if otel_logs.is_wanted() else None
        # To standard error: what a command answers may be read by a program.
        configure_logging(as_json=False)
    engine.spans = exporter
    if logs:
        engine.sealed = logs.sealed
        logging.getLogger().addHandler(logs)
    try:
        yield engine if by_itself else engine.acting_as(actor())
    finally:
        engine.close()
        if exporter:
            exporter.close()
        if logs:
            logging.getLogger().removeHandler(logs)
            logs.close()
        if scripts:
            scripts.close()


@contextmanager
def reaching(settings: Settings) -> Iterator[None]:
    """Make the data directory; what keeps the database from being opened inside is said in a sentence.

    Raises:
        Refused: the directory cannot be made, or the database not be opened.
    """
    check_encryption(settings)
    try:
        settings.make_data_dir()
    except OSError as error:
        raise Refused(f"Expected to keep data in {settings.data_dir}, but: {error.strerror}. Set DATA_DIR.") from error
    shown = shown_url(settings.database_url)
    try:
        yield
    except ModuleNotFoundError as error:
        raise Refused(f"Expected the driver of {shown}, but there is no module {error.name!r}: "
                      "`pip install 'partitur[postgres]'`.") from error
    except SharedSessions as error:
        raise Refused(f"Expected to open the database {shown}, but: {error.why}. {error.advice}") from error
    except Unavailable as error:
        raise Refused(f"Expected to open the database {shown}, but: {error.why}. See DATABASE_URL.") from error
    except SQLAlchemyError as error:
        why = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise Refused(f"Expected to open the database {shown}, but: {why}. See DATABASE_URL.") from error


def check_encryption(settings: Settings, environment: Mapping[str, str] = os.environ) -> None:
    """Refuse to connect where anybody on the way can read it, if that is to be refused. Raises Refused."""
    plain = next(encryption.found(settings, environment), None) if settings.encrypted else None
    if plain is not None:
        raise Refused(encryption.sentence(plain))


def check_four_eyes(settings: Settings) -> None:
    """Refuse to need two people where nobody is asked who they are: everybody could be both of them.

    Raises:
        Refused: PARTITUR_FOUR_EYES is set, and there are fewer than two who could log in.
    """
    if not settings.four_eyes:
        return
    try:
        content = AccessFile(settings.access_file).read()
    except AccessFileError as error:
        raise Refused(str(error)) from error
    known = len(content.users) + len(content.tokens)
    if known < 2 and not os.environ.get("PARTITUR_OIDC_ISSUER"):
        raise Refused(f"Expected at least two users, because PARTITUR_FOUR_EYES lets one approve what another one asks "
                      f"for, but found {known or 'none'}. `partitur users add NAME` adds one; without users, leave "
                      f"PARTITUR_FOUR_EYES out.")


def _exporter() -> Exporter | None:
    try:
        return Exporter() if is_wanted() else None
    except TracingMissing as error:
        raise Refused(str(error)) from error


def _log_exporter() -> LogExporter | None:
    try:
        return LogExporter(formatter(as_json=True)) if otel_logs.is_wanted() else None
    except TracingMissing as error:
        raise Refused(str(error)) from error


def _tell_sealed(entries: Sequence[Mapping[str, Any]]) -> None:
    """Tell of entries that a command sealed, which few do."""
    exporter = _log_exporter()
    if exporter:
        exporter.sealed(entries)
        exporter.close()


def _scripts(settings: Settings) -> PythonScripts | None:
    try:
        return PythonScripts() if settings.python_scripts else None
    except PythonScriptsMissing as error:
        raise Refused(str(error)) from error


def _engine(settings: Settings, scripts: ScriptLanguages) -> Engine:
    engine = Engine(settings.database_url, time_zone=settings.time_zone, synchronous=settings.synchronous,
                    scripts=scripts)
    agreed.join(engine)
    return engine


def read_file(path: Path) -> bytes:
    """The content of a file named on the command line.

    Raises:
        Refused: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise Refused(f"Expected to read {path}, but: {error.strerror}.") from error


def json_object(text: str, what: str) -> dict[str, Any]:
    """The JSON object that a text holds; `what` names it in messages.

    Raises:
        Refused: it is no JSON (RFC 8259, which has no NaN and no Infinity) or no object.
    """
    try:
        value = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Refused(f"Expected {what} as a JSON object, but it is no JSON: {error}.") from error
    if not isinstance(value, dict):
        raise Refused(f"Expected {what} as a JSON object, but found {type(value).__name__}.")
    return value


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def ask(url: str, method: str, path: str, **request: Any) -> Any:
    """One request to a server's REST interface; the decoded answer. It shows the token in PARTITUR_TOKEN.

    Raises:
        Refused: the server does not answer, or says no (then with its own words).
    """
    import httpx  # most commands open the database

    check_encryption(Settings.of(), {"PARTITUR_URL": url})
    token = os.environ.get("PARTITUR_TOKEN")
    shown = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        answer = httpx.request(method, url.rstrip("/").removesuffix("/v2") + path, timeout=60,
                               **{**request, "headers": {**shown, **request.get("headers", {})}})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Refused(f"Expected a server at {url}, but: {error}.") from error
    try:
        body = answer.json() if answer.content else None
    except ValueError:
        body = None
    if answer.is_success and (body is not None or not answer.content):
        return body
    detail = body.get("detail") or body.get("title") if isinstance(body, dict) else None
    said = f"{answer.status_code} {answer.reason_phrase}"
    raise Refused(detail or f"Expected {url} to be a Partitur server, but it answered {said}.")
