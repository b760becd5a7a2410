"""The keys that secrets are encrypted with at rest: from the environment, or from a file that only we can read.

Encryption is Fernet (AES-128-CBC with HMAC-SHA256, https://github.com/fernet/spec). The first key encrypts, every key
decrypts, so that keys can be changed while everything runs.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Sequence
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from engine.errors import Rejection

VARIABLE = "PARTITUR_SECRETS_KEY"


class KeyProblem(Rejection):
    """There is no usable key, or not the one that a secret was encrypted with."""


class Keyring:
    """The keys of one process.

    Arguments: `keys`, the newest first, as 32 bytes in URL-safe base64; `path` of the file that holds them where none
    are given (one a line; made with the first secret, readable by its owner only). With neither, no secret can be
    stored. Raises KeyProblem if a key is none.
    """

    def __init__(self, keys: Sequence[str] = (), path: Path | None = None) -> None:
        self._path = None if keys else path
        self._fernet = _fernet(keys, VARIABLE) if keys else None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Keyring(path={str(self._path)!r})" if self._path else "Keyring()"

    @property
    def is_usable(self) -> bool:
        """Whether secrets can be stored."""
        return self._path is not None or self._fernet is not None

    @property
    def is_file(self) -> bool:
        """Whether the keys are in a file, and so can be changed by us."""
        return self._path is not None

    def encrypt(self, name: str, value: str) -> str:
        """The ciphertext of a secret; it belongs to this name and decrypts under no other. Raises KeyProblem."""
        with self._lock:
            # The file is read each time, so that nothing is encrypted with a key that was just replaced.
            fernet = self._read(create=True) if self._path else self._fernet
        if fernet is None:
            raise KeyProblem(f"Expected a key to encrypt secrets with, but there is none: set {VARIABLE}.")
        return fernet.encrypt(f"{name}\0{value}".encode()).decode()

    def decrypt(self, name: str, ciphertext: str) -> str:
        """The value of a secret. Raises KeyProblem."""
        for fresh in (False, True):
            fernet = self._current(fresh)
            if fernet is None:
                break
            try:
                found, _, value = fernet.decrypt(ciphertext.encode()).decode().partition("\0")
            except InvalidToken:
                continue
            if found == name:
                return value
        raise KeyProblem(
            f"Expected the key that secret {name!r} was encrypted with, but "
            f"{self._where()} has another one or none. Store the secret again, or give every process the same key."
        )

    def renew(self) -> None:
        """Put a new key before the others in the file; the one before it stays, for processes that still use it.

        Raises KeyProblem if the keys come from the environment.
        """
        if self._path is None:
            raise KeyProblem(
                f"Expected keys in a file, which can be renewed here, but they come from {VARIABLE}: put a new key "
                f"before the old one there, separated by a comma, restart every process, and rotate again."
            )
        with self._lock:
            self._read(create=True)
            before = self._path.read_text().split()
            _write(self._path, [Fernet.generate_key().decode(), *before[:1]])
            self._read(create=False)

    def _current(self, fresh: bool) -> MultiFernet | None:
        with self._lock:
            if self._path is not None and (fresh or self._fernet is None):
                return self._read(create=False)
            return self._fernet

    def _read(self, create: bool) -> MultiFernet | None:
        assert self._path is not None
        if create and not self._path.exists():
            _write(self._path, [Fernet.generate_key().decode()], only_if_new=True)
        try:
            if os.name == "posix" and stat.S_IMODE(self._path.stat().st_mode) & 0o077:
                raise KeyProblem(f"Expected only the owner to read {self._path}, but others may: chmod 600 it.")
            keys = self._path.read_text().split()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise KeyProblem(f"Expected to read keys from {self._path}, but: {error}.") from error
        self._fernet = _fernet(keys, str(self._path))
        return self._fernet

    def _where(self) -> str:
        return str(self._path) if self._path else VARIABLE


def _fernet(keys: Sequence[str], where: str) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError:
        raise KeyProblem(
            f"Expected keys of 32 bytes in URL-safe base64 in {where}, but found something else. "
            f"`openssl rand -base64 32 | tr +/ -_` makes one."
        ) from None


def _write(path: Path, keys: Sequence[str], *, only_if_new: bool = False) -> None:
    """Write the keys, whole or not at all, readable by the owner from the first moment on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write("\n".join(keys) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        if only_if_new:
            os.link(fresh, path)  # of two processes that start at once, one makes the file and both read it
        else:
            os.replace(fresh, path)
            return
    except FileExistsError:
        pass
    fresh.unlink()
