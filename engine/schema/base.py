"""What every table definition needs."""

from __future__ import annotations

from sqlalchemy import MetaData

metadata = MetaData()

DEFAULT_TENANT = "<default>"
