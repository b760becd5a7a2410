"""Streams of Redis (redis-py).

Source: Redis docs, "Streams", "XREADGROUP", "XAUTOCLAIM".
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from engine.events.addresses import Broker
from service_tasks.brokers.contact import (
    CLOUD_EVENT,
    CONFIRM_WITHIN,
    CONNECT_WITHIN,
    NAME,
    Incoming,
    Login,
    Outgoing,
    Take,
    Unroutable,
    fields_to_json,
    text_of,
)

BLOCK = 5_000
"""Milliseconds to wait for the next entry."""
ABANDONED = 60_000
"""Milliseconds after which an entry that another reader got and did not confirm is ours."""
ROOM = 20
CONTENT = ("data", "body", "payload", "message")
"""The field of an entry that holds its content; an entry without any of them is its fields."""


def _client(broker: Broker, login: Login | None, wait: float) -> Any:
    [(host, port)] = broker.hosts
    return Redis(
        host=host, port=port, db=int(broker.path or 0), username=login.user if login else None,
        password=login.password if login else None, ssl=broker.tls, socket_connect_timeout=CONNECT_WITHIN,
        socket_timeout=wait, client_name=NAME,
    )


class RedisSender:
    """Adds entries to a stream."""

    def __init__(self, client: Any, stream: str, most: int | None) -> None:
        self._client = client
        self._stream = stream
        self._most = most

    async def send(self, message: Outgoing) -> None:
        """Add it; Redis has it when this returns, and keeps it as its own settings say (appendonly, appendfsync)."""
        try:
            await self._client.xadd(self._stream, {
                "id": message.id, "type": message.type, "partitionkey": message.key, "content-type": CLOUD_EVENT,
                "data": message.body,
            }, maxlen=self._most, approximate=self._most is not None)
        except ResponseError as error:
            if "WRONGTYPE" in str(error):
                raise Unroutable(f"Expected {self._stream!r} to be a stream, but it is something else.") from error
            raise

    async def close(self) -> None:
        """Close the connection."""
        await self._client.aclose()


async def open_sender(broker: Broker, login: Login | None) -> RedisSender:
    """Connect."""
    client = _client(broker, login, CONFIRM_WITHIN)
    try:
        await client.ping()
    except BaseException:
        await client.aclose()
        raise
    most = broker.options.get("maxlen")
    return RedisSender(client, broker.options["stream"], int(most) if most else None)


async def receive(broker: Broker, login: Login | None, take: Take, connected: Callable[[], None]) -> None:
    """Take what the stream has, as one of a group of readers. The group begins at the beginning of the stream."""
    client = _client(broker, login, BLOCK / 1000 + CONFIRM_WITHIN)
    stream, group = broker.options["stream"], broker.options.get("group", NAME)
    me = f"{socket.gethostname()}-{os.getpid()}-{time.monotonic_ns()}"
    try:
        try:
            await client.xgroup_create(stream, group, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        connected()
        claim_at = 0.0
        while True:
            entries: list[Any] = []
            if time.monotonic() >= claim_at:
                _, entries, *_ = await client.xautoclaim(stream, group, me, ABANDONED, count=ROOM)
                claim_at = 0.0 if entries else time.monotonic() + ABANDONED / 2_000
            if not entries:
                found = await client.xreadgroup(group, me, {stream: ">"}, count=ROOM, block=BLOCK)
                entries = _of_stream(found)
            for key, fields in entries:
                if fields:      # those of an entry that was deleted meanwhile are gone
                    await take(_incoming(text_of(key), fields))
                await client.xack(stream, group, key)
    finally:
        with suppress(RedisError, OSError):
            [mine] = [each for each in await client.xinfo_consumers(stream, group) if text_of(each["name"]) == me] \
                or [None]
            if mine is not None and not mine["pending"]:
                await client.xgroup_delconsumer(stream, group, me)
        await client.aclose()


def _of_stream(found: Any) -> list[Any]:
    """The entries in an answer to XREADGROUP, in either version of the protocol."""
    if isinstance(found, dict):
        lists = [entries for parts in found.values() for entries in parts]
        return [entry for entries in lists for entry in entries]
    return [entry for _, entries in found or () for entry in entries]


def _incoming(key: str, fields: Any) -> Incoming:
    named = {text_of(name).lower(): value for name, value in fields.items()}
    content = next((name for name in CONTENT if name in named), None)
    body = named.pop(content) if content else fields_to_json({name: text_of(value) for name, value in named.items()})
    headers = {name: text_of(value) for name, value in named.items()}
    return Incoming(body=body if isinstance(body, bytes) else str(body).encode(), headers=headers,
                    id=headers.get("id") or key)
