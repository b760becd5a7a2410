"""The file of users and tokens. It holds hashes only, and is read again when it has changed."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec

from engine.clock import system_clock
from web.auth.identity import Identity
from web.auth.roles import EVERYTHING, Grant

FORBIDDEN = ":"
"""What a name cannot contain: Basic authentication ends the name there (RFC 7617)."""
LONGEST_NAME = 100


class AccessFileError(Exception):
    """The file cannot be read, or a name in it cannot be."""


class User(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A person: `password` is an argon2 hash. Without `grants` (None) they came before there were any."""

    password: str
    groups: tuple[str, ...] = ()
    grants: tuple[Grant, ...] | None = None
    second_factor: bool = False
    """Whether a second factor is demanded of them, whatever the setting says; the factor itself is in the database."""


class Token(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A program: `digest` is the SHA-256 of its token, which is random and long, so that a slow hash adds nothing."""

    digest: str
    groups: tuple[str, ...] = ()
    grants: tuple[Grant, ...] | None = None
    made: datetime | None = None
    expires: datetime | None = None
    """From then on it is worth nothing; None: never."""

    @property
    def is_over(self) -> bool:
        """Whether it has expired."""
        return self.expires is not None and system_clock() >= self.expires


class Content(msgspec.Struct, forbid_unknown_fields=True):
    """All that the file says. `roles` are the grants of groups, which hold for whoever is in them."""

    users: dict[str, User] = msgspec.field(default_factory=dict)
    tokens: dict[str, Token] = msgspec.field(default_factory=dict)
    roles: dict[str, tuple[Grant, ...]] = msgspec.field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether there is nobody who could come in."""
        return not self.users and not self.tokens

    def identity(self, name: str, known: User | Token) -> Identity:
        """A user or token of this file, with the grants of its own and of its groups.

        Who has neither came into the file before there were roles, and may do everything.
        """
        grants = self.of_groups(known.groups) + (known.grants or ())
        return Identity(name, known.groups, EVERYTHING if known.grants is None and not grants else grants,
                        is_program=isinstance(known, Token))

    def of_groups(self, groups: Iterable[str]) -> tuple[Grant, ...]:
        """The grants of groups, as for somebody of whom another system tells which they are."""
        return tuple(grant for each in groups for grant in self.roles.get(each, ()))


@dataclass(slots=True)
class AccessFile:
    """The file at a path; without one there are no users."""

    path: Path | None
    _stamp: tuple[int, int, int] | None = None
    _content: Content = field(default_factory=Content)

    def read(self) -> Content:
        """What it says now. Raises AccessFileError."""
        if self.path is None:
            return self._content
        try:
            stat = self.path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if stamp != self._stamp:
                self._content = msgspec.json.decode(self.path.read_bytes(), type=Content)
                self._stamp = stamp
        except FileNotFoundError:
            self._content, self._stamp = Content(), None
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise AccessFileError(f"Expected users and tokens in {self.path}, but: {error}.") from error
        return self._content

    def set_password(self, name: str, password: str, before: str | None = None) -> bool:
        """Replace the hash of the password of a user, unless the user is gone, or has another one than `before`.

        Whether it was replaced. Raises AccessFileError.
        """
        with self.changing() as content:
            found = content.users.get(name)
            fits = found is not None and before in (None, found.password)
            if found is not None and fits:
                content.users[name] = msgspec.structs.replace(found, password=password)
        return fits

    @contextmanager
    def changing(self) -> Iterator[Content]:
        """What it says now, to be changed; it is written when that is done, and nobody else changes it meanwhile.

        Raises AccessFileError.
        """
        with self._alone():
            # A copy: what was read is looked at by other threads meanwhile.
            content = msgspec.json.decode(msgspec.json.encode(self.read()), type=Content)
            before = msgspec.json.encode(content)
            yield content
            if msgspec.json.encode(content) != before:
                self.write(content)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Wait until no other program and no other thread changes the file; those who read it never wait.

        The file itself cannot be locked, because it is replaced.
        """
        if self.path is None:
            yield
            return
        try:
            beside = os.open(self.path.with_name(f".{self.path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise AccessFileError(f"Expected to change {self.path}, but: {error.strerror}.") from error
        try:
            _lock(beside)
            yield
        finally:
            os.close(beside)

    def write(self, content: Content) -> None:
        """Replace it as a whole; only its owner may read it. Raises AccessFileError."""
        if self.path is None:
            raise AccessFileError("Expected a file of users, but there is none.")
        fresh = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
        try:
            fresh.touch(0o600)
            fresh.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n")
            os.replace(fresh, self.path)
        except OSError as error:
            raise AccessFileError(f"Expected to write {self.path}, but: {error.strerror}.") from error
        finally:
            fresh.unlink(missing_ok=True)


def _lock(file: int) -> None:
    """Wait for a lock that ends with its open file."""
    try:
        import fcntl
    except ImportError:     # Windows has it not; there the last who writes wins
        return
    fcntl.flock(file, fcntl.LOCK_EX)


def checked_name(name: str) -> str:
    """A name that every way of logging in can carry. Raises AccessFileError."""
    if not name or len(name) > LONGEST_NAME or FORBIDDEN in name or not name.isprintable() or name != name.strip():
        raise AccessFileError(
            f"Expected a name of 1 to {LONGEST_NAME} printable characters without ':', but found {name[:120]!r}."
        )
    return name
