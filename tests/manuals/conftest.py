"""The pictures of the manuals are taken by the browser of the console's tests."""

from tests.web.conftest import browser

__all__ = ["browser"]
