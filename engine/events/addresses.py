"""The addresses of brokers: where events are sent to, or come from.

    amqp://host:5672/vhost?queue=NAME            or ?exchange=NAME&routing_key=KEY
    redis://host:6379/0?stream=NAME&group=NAME
    nats://host:4222?subject=NAME&stream=NAME&group=NAME
    kafka://host:9092,host:9092?topic=NAME&group=NAME

`amqps`, `rediss`, `nats+tls` and `kafka+tls` speak TLS. Who logs in stands in a secret, never in the address.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from engine.errors import InvalidInput

HTTP = ("http", "https")
LONGEST = 2_000
PORTS = {"amqp": 5672, "amqps": 5671, "redis": 6379, "rediss": 6379, "nats": 4222, "nats+tls": 4222, "kafka": 9092,
         "kafka+tls": 9092}
KINDS = {"amqp": "amqp", "amqps": "amqp", "redis": "redis", "rediss": "redis", "nats": "nats", "nats+tls": "nats",
         "kafka": "kafka", "kafka+tls": "kafka"}
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\]")
_WORD = re.compile(r"[^\s\x00-\x1f\x7f]{1,249}")
_SUBJECT = re.compile(r"[^\s.*>]+(?:\.[^\s.*>]+)*")
SASL = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What the query of an address may say: what it needs (any one of `one_of`), and what else it knows."""

    one_of: tuple[str, ...]
    more: tuple[str, ...] = ()


OUT: Mapping[str, Rule] = {
    "amqp": Rule(one_of=("queue", "exchange"), more=("routing_key",)),
    "redis": Rule(one_of=("stream",), more=("maxlen",)),
    "nats": Rule(one_of=("subject",), more=("stream",)),
    "kafka": Rule(one_of=("topic",), more=("sasl",)),
}
IN: Mapping[str, Rule] = {
    "amqp": Rule(one_of=("queue",)),
    "redis": Rule(one_of=("stream",), more=("group",)),
    "nats": Rule(one_of=("stream",), more=("subject", "group")),
    "kafka": Rule(one_of=("topic",), more=("group", "sasl")),
}


@dataclass(frozen=True, slots=True)
class Broker:
    """An address that was taken apart. `kind` is one of amqp, redis, nats, kafka; `path` the virtual host or the number
    of the database, without a slash; `options` what the query says."""

    text: str
    kind: str
    tls: bool
    hosts: tuple[tuple[str, int], ...]
    path: str
    options: Mapping[str, str]


def is_broker(address: str) -> bool:
    """Whether an address is one of a broker."""
    return address.partition("://")[0].lower() in KINDS


def checked(address: str) -> str:
    """The address of a target as it may be. Raises InvalidInput."""
    text = address.strip()
    if is_broker(text):
        read(text, OUT)
    elif not re.fullmatch(r"https?://[^\s\\@]{1,2000}", text):
        raise InvalidInput("Expected the address of a webhook, http:// or https:// and no user name in it, or of a "
                           f"broker ({', '.join(f'{scheme}://' for scheme in PORTS)}), but it is {text[:100]!r}.")
    return text


def read(address: str, rules: Mapping[str, Rule]) -> Broker:
    """Take the address of a broker apart. Raises InvalidInput."""
    text = address.strip()
    try:
        parts = urlsplit(text)
    except ValueError:
        raise InvalidInput(f"Expected the address of a broker, but it is {text[:100]!r}.") from None
    scheme = parts.scheme.lower()
    if scheme not in KINDS or len(text) > LONGEST:
        raise InvalidInput(f"Expected the address of a broker ({', '.join(f'{each}://' for each in PORTS)}), but it is "
                           f"{text[:100]!r}.")
    if "@" in parts.netloc:
        raise InvalidInput("Expected an address without a user name in it: who logs in stands in a secret, as "
                           "user:password.")
    kind = KINDS[scheme]
    hosts = tuple(_host(each, PORTS[scheme]) for each in parts.netloc.split(","))
    if len(hosts) > 1 and kind not in ("nats", "kafka"):
        raise InvalidInput(f"Expected one host in {scheme}://, but there are {len(hosts)}.")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    _check_options(scheme, kind, options, rules[kind])
    path = unquote(parts.path.removeprefix("/"))
    if kind == "redis" and not re.fullmatch(r"[0-9]{0,4}", path):
        raise InvalidInput(f"Expected the number of a database behind the host of redis://, but it is {path[:50]!r}.")
    if kind in ("nats", "kafka") and path:
        raise InvalidInput(f"Expected nothing behind the host of {scheme}:// but '?', but there is {path[:50]!r}.")
    return Broker(text, kind, scheme in ("amqps", "rediss", "nats+tls", "kafka+tls"), hosts, path, options)


def _host(text: str, port: int) -> tuple[str, int]:
    found = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(?::([0-9]{1,5}))?", text)
    if found is None or not _HOST.fullmatch(found[1]) or not 0 < int(found[2] or port) < 65_536:
        raise InvalidInput(f"Expected a host, perhaps with a port, but it is {text[:100]!r}.")
    return found[1].strip("[]").lower(), int(found[2] or port)


def _check_options(scheme: str, kind: str, options: Mapping[str, str], rule: Rule) -> None:
    given = [name for name in rule.one_of if name in options]
    if len(given) != 1:
        wanted = " or ".join(f"?{name}=" for name in rule.one_of)
        raise InvalidInput(f"Expected {wanted} in the address of {scheme}://, but found "
                           f"{' and '.join(given) if given else 'neither' if len(rule.one_of) > 1 else 'none'}.")
    unknown = options.keys() - {*rule.one_of, *rule.more}
    if unknown:
        raise InvalidInput(f"Expected {', '.join((*rule.one_of, *rule.more))} in the address of {scheme}://, but found "
                           f"{min(unknown)[:50]!r}.")
    for name, value in options.items():
        if not _WORD.fullmatch(value):
            raise InvalidInput(f"Expected {name}= in the address to be a name without blanks, but it is "
                               f"{value[:50]!r}.")
    if "maxlen" in options and not re.fullmatch(r"[1-9][0-9]{0,8}", options["maxlen"]):
        raise InvalidInput(f"Expected maxlen= to be a number, but it is {options['maxlen'][:50]!r}.")
    if "sasl" in options and options["sasl"] not in SASL:
        raise InvalidInput(f"Expected sasl= to be one of {', '.join(SASL)}, but it is {options['sasl'][:50]!r}.")
    if rule is OUT["nats"] and not _SUBJECT.fullmatch(options["subject"]):
        raise InvalidInput(f"Expected subject= to be a subject of NATS without * and >, but it is "
                           f"{options['subject'][:50]!r}.")
    if "routing_key" in options and "exchange" not in options:
        raise InvalidInput("Expected routing_key= beside exchange=, but there is no exchange.")
