"""A broker of each kind, for all tests of this folder."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest

from tests.service_tasks.brokers.servers import KINDS


@pytest.fixture(scope="session", params=KINDS)
def broker(request):
    """A broker that takes connections."""
    folder = Path(tempfile.mkdtemp(prefix="partitur-broker-"))
    server = KINDS[request.param](folder)
    try:
        server.begin()
        yield server
    finally:
        server.end()
        shutil.rmtree(folder, ignore_errors=True)
