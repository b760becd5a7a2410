"""Tells one channel. Whoever names one must not get at what is inside our network, nor at the desktop and logs of this
machine: its host is looked at like those of other calls (`PARTITUR_HTTP_ALLOW`), and no redirect is followed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from service_tasks.connector.transport import Forbidden

Check = Callable[[str, int, bool], None]
"""Raises Forbidden or NotSent for a host and port that may not be called, or not without TLS (the third is whether
there is), or that there are not."""
Send = Callable[[str, str, str, bool], bool]

OF_THIS_MACHINE = frozenset({"syslog", "dbus", "glib", "gnome", "macosx", "windows"})
"""Apprise's channels that are no calls at all."""


def sender(check: Check) -> Send:
    """What tells a channel that passes the check."""
    return partial(send, check)


def send(check: Check, address: str, title: str, body: str, fired: bool) -> bool:
    """Tell one channel; whether it took it. `address` is an Apprise URL. Raises Forbidden, NotSent."""
    import apprise  # it takes a second, and few processes ever tell anybody anything

    asset = apprise.AppriseAsset(http_redirects=False)
    channel = apprise.Apprise.instantiate(address, asset=asset, suppress_exceptions=True)
    if channel is None:
        return False
    if not isinstance(channel, apprise.NotifyBase):
        raise Forbidden("Expected the address of one channel, but it is a list of them.")
    check_channel(channel, urlsplit(address).scheme.lower(), check)
    kind = apprise.NotifyType.FAILURE if fired else apprise.NotifyType.SUCCESS
    # Not told by the channel itself: only this knows how to write plain text for one that shows HTML.
    people = apprise.Apprise(asset=asset)
    people.add(channel)
    return bool(people.notify(title=title, body=body, notify_type=kind, body_format=apprise.NotifyFormat.TEXT))


def check_channel(channel: Any, scheme: str, check: Check) -> None:
    """Raises Forbidden for a channel of this machine, or one whose host may not be called; NotSent."""
    if type(channel).__module__.rsplit(".", 1)[-1] in OF_THIS_MACHINE:
        raise Forbidden(f"Expected a channel that reaches people, but {scheme}:// is this machine's own.")
    host = getattr(channel, "smtp_host", None)
    if not host and any("{host}" in template for template in channel.templates):
        host = channel.host
    if host:
        # Which port it takes by itself is the library's secret; what is forbidden does not depend on these two.
        check(str(host).strip("[]").lower().rstrip("."), channel.port or (443 if channel.secure else 80),
              bool(channel.secure))
