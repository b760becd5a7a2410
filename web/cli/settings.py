"""Where things are: what the environment says, else the defaults."""

from __future__ import annotations

import getpass
import os
import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a command needs to know of its surroundings; an option beats the environment, which beats the default."""

    data_dir: Path
    database_url: str
    host: str
    port: int

    @classmethod
    def of(
        cls,
        *,
        data_dir: Path | None = None,
        database_url: str | None = None,
        host: str | None = None,
        port: int | None = None,
    ) -> Settings:
        """Read DATA_DIR, DATABASE_URL, HOST and PORT; an argument that is not None beats its variable.

        Raises:
            ValueError: PORT is not a number.
        """
        folder = (data_dir or Path(os.environ.get("DATA_DIR") or "data")).resolve()
        return cls(
            data_dir=folder,
            database_url=database_url or os.environ.get("DATABASE_URL") or f"sqlite:///{folder / 'partitur.db'}",
            host=host or os.environ.get("HOST") or "127.0.0.1",
            port=port if port is not None else int(os.environ.get("PORT") or 8080),
        )

    def make_data_dir(self) -> None:
        """Create the data directory if there is none.

        Raises:
            OSError: It cannot be created.
        """
        self.data_dir.mkdir(parents=True, exist_ok=True)


def actor() -> str:
    """Who is at the keyboard, for the audit trail."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def shown_url(url: str) -> str:
    """A database's address without the password in it."""
    return re.sub(r"(://[^:/@]+):[^@]+@", r"\1:…@", url)
