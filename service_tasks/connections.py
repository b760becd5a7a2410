"""What exceptions of network libraries say about a call: a service function may let them through as they are."""

from __future__ import annotations

from collections.abc import Iterator

import httpx

from engine.states import EffectState

NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
"""There was no connection, so the service was not asked."""


def meaning_of(error: BaseException) -> EffectState:
    """What is known of the effect of a call that ended in an exception which is none of ours.

    A lost connection, a timeout or a 5xx (RFC 9110 §15.6) leaves the effect in doubt, also where a library or the
    service function wrapped it in an exception of its own; without any connection it is as intended as before; any
    other exception says that the service did not act.
    """
    chain = list(_chain(error))
    if any(_is_unknown(each) for each in chain):
        return EffectState.IN_DOUBT
    # An exception around it may be about a later call of the same function.
    return EffectState.INTENDED if isinstance(error, NOT_SENT) else EffectState.FAILED


def _is_unknown(error: BaseException) -> bool:
    if isinstance(error, httpx.TransportError):
        return not isinstance(error, NOT_SENT)
    # The attributes are those of httpx and requests alike.
    status = getattr(getattr(error, "response", None), "status_code", None)
    return isinstance(error, TimeoutError | ConnectionError) or (isinstance(status, int) and status >= 500)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and what it was raised from, or while handling of which; not what is behind a missing connection."""
    found: BaseException | None = error
    seen: set[int] = set()
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        if isinstance(found, NOT_SENT):
            return
        found = found.__cause__ or found.__context__
