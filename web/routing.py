"""Rules of addresses that are compiled when an address is first made from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule


class LazyRule(Rule):
    """A rule whose builder is compiled at its first use.

    Werkzeug compiles two functions for each rule when it is added: half a second for our hundreds of addresses, of
    which one process makes few.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compiled = super()._compile_builder

        def build(rule: LazyRule, *arguments: Any, **values: Any) -> tuple[str, str]:
            made: Callable[..., tuple[str, str]] = compiled(append_unknown).__get__(rule, None)
            setattr(rule, "_build_unknown" if append_unknown else "_build", made)
            return made(*arguments, **values)

        return build
