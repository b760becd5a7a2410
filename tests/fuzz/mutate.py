"""Damages files and bodies in ways that people, programs and attackers do; the same number damages the same way."""

from __future__ import annotations

import json
import random
from copy import deepcopy
from typing import Any

from lxml import etree

ODD = (
    "", " ", "0", "-1", "1", "9" * 25, "1e999", "NaN", "true", "null", "x", "é" * 300, "\u202e", "😀", "a b", ":",
    "a:b", "tns:x", "=", "=1 +", "=1/0", "=for i in 1..1000000 return i", "=a.b.c", "=[1..3]", "=x[item > 1]", "=now()",
    "=\"" + "y" * 500 + "\"", "=((((((((1))))))))", "=function(x) x", "=null", "=customer", "=-", "${", "${a.b(}",
    "${x}", "#{list[0]}", "${execution.getVariable('a')}", "${''.class.forName('java.lang.Runtime')}", "${1/0}",
    "R3/PT1S", "R/PT0S", "R-1/PT1S", "PT1H", "P1Y", "PT", "P99999999999Y", "-PT1S", "0 0 * * *", "* * * * * *",
    "2030-01-01T00:00:00Z", "0001-01-01", "9999-12-31T23:59:59+14:00", "=@\"2030-01-01T00:00:00Z\"",
    "<b>x</b>", "'; DROP TABLE instances; --", "../../etc/passwd", "{{secrets.x}}", "%s%n", "http://169.254.169.254/",
    "{\"a\": [1, 2, {\"b\": null}]}", "[" * 60, "{}", "[]", "java", "python", "feel", "juel", "javascript", "groovy",
)
"""Texts that mean something somewhere."""
LEAVES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 7, 2**31, 2**63, 2**70, 0.5, -0.0, 1e308, *ODD, "\0", "a\0b", "\ud800", "\uffff",
    "2026-11-24T09:30:00Z", "2026-11-24T09:30:00.000+0000", "ACTIVE", "asc", "String", "Json", "Object", "P1D", "*",
    "%",
)
_SIGNS = b"()[]{}<>=!?.,:;\"'`@-+*/% \n\\$#&|0129aexyT\x00\xff"


def damaged_bytes(chance: random.Random, data: bytes, others: list[bytes], times: int = 5) -> bytes:
    """The bytes, of which pieces were taken out, put in from elsewhere, repeated or changed."""
    made = bytearray(data)
    for _ in range(chance.randint(1, times)):
        start = chance.randrange(len(made) + 1)
        end = min(len(made), start + chance.choice((1, 2, 8, 40, 400)))
        match chance.randrange(6):
            case 0:
                del made[start:end]
            case 1:
                other = chance.choice(others)
                place = chance.randrange(len(other) + 1)
                made[start:start] = other[place:place + chance.choice((1, 20, 400))]
            case 2:
                made[start:end] = made[start:end] * chance.choice((2, 3, 50))
            case 3:
                made[start:end] = chance.randbytes(end - start)
            case 4:
                made[start:start] = chance.choice(ODD).encode()
            case _:
                made[start:start] = bytes([chance.choice(_SIGNS)])
    return bytes(made[:200_000])


def damaged_xml(chance: random.Random, content: bytes, others: list[bytes]) -> bytes:
    """A file that is XML still, but not the same: elements and attributes lost, moved, repeated, changed, grafted."""
    root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, remove_pis=True))
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        nodes = [node for node in root.iter() if isinstance(node.tag, str)]
        node, other = chance.choice(nodes), chance.choice(nodes)
        names = list(node.attrib)
        match chance.randrange(10):
            case 0 if node is not root:
                node.getparent().remove(node)
            case 1 if names:
                del node.attrib[chance.choice(names)]
            case 2 | 3 if names:
                _set(node, chance.choice(names), chance.choice((*ODD, other.get("id") or "x", other.get("id") or "x")))
            case 4 if node is not root:
                node.tag = other.tag
            case 5:
                _write(node, chance.choice(ODD))
            case 6:
                other.append(deepcopy(node))
            case 7 if other.attrib:
                name, value = chance.choice(list(other.attrib.items()))
                _set(node, name, value)
            case 8:
                graft = etree.fromstring(chance.choice(others), etree.XMLParser(resolve_entities=False))
                node.append(deepcopy(chance.choice([each for each in graft.iter() if isinstance(each.tag, str)])))
            case _ if len(node) > 1:
                children = list(node)
                chance.shuffle(children)
                node[:] = children
    return etree.tostring(root)


def damaged_json(chance: random.Random, written: Any) -> Any:
    """A value like this one, with a few things in it lost, repeated, renamed or of another kind."""
    made = deepcopy(written)
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        places: list[tuple[Any, Any]] = []
        _places(made, places)
        if not places:
            return chance.choice(LEAVES)
        holder, where = chance.choice(places)
        match chance.randrange(5):
            case 0:
                del holder[where]
            case 1 | 2:
                holder[where] = chance.choice(LEAVES)
            case 3:
                other, place = chance.choice(places)
                # What an earlier change took away is there no longer.
                there = place in other if isinstance(other, dict) else place < len(other)
                holder[where] = deepcopy(other[place]) if there else None
            case _ if isinstance(holder, list):
                holder.extend(deepcopy(holder[where]) for _ in range(chance.choice((1, 3, 100))))
            case _:
                holder[str(chance.choice(ODD))] = holder.pop(where)
    return made


def as_bytes(value: Any) -> bytes:
    """JSON as careless programs write it: with half characters and numbers that are none."""
    return json.dumps(value).encode()


def _places(value: Any, found: list[tuple[Any, Any]]) -> None:
    for where in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        found.append((value, where))
        _places(value[where], found)


def _set(node: etree._Element, name: str, value: str) -> None:
    try:
        node.set(name, value)
    except ValueError:      # lxml writes no control characters; bytes are damaged elsewhere
        node.set(name, "x")


def _write(node: etree._Element, text: str) -> None:
    node.text = text
