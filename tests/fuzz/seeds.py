"""What the fuzzers begin with: the expressions of the compatibility kit where it is there, and our own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lxml import etree

KIT = Path(__file__).resolve().parents[3] / "shared" / "conformance" / "dmn-tck" / "TestCases"
OURS = Path(__file__).resolve().parents[1] / "web" / "models"
FEEL = (
    'amount > 100 and customer.status = "gold"', "for i in 1..10, j in [1, 2] return i * j + partial[-1]",
    "some x in list satisfies x > 1", "list[item > 1]", "{a: 1, b: a + 1, f: function(n) n ** 2}.f(3)",
    'date("2024-02-29") + duration("P1Y2M")', '@"2024-03-31T02:30:00@Europe/Berlin" - @"PT3H"',
    'if a instance of number then string(a) else "?"', "a between 1 and 5 or a in (1, [2..3], > 7)",
    'replace("abc", "(a|b)+", "$1")', "sort(list, function(x, y) x < y)", "name with spaces * -1",
    'get or else(customer.agee, 3)', "`a b` = null", 'from json("[1, {\\"a\\": 2}]")', "[1..5] overlaps before (4..9)",
    'context merge([{a: 1}, {b: 2}])', "week of year(date(\"2020-01-01\"))", "0.1 + 0.2 = 0.3", "10 ** 400 / 3",
)
TESTS = ("-", "1, 2, 3", "[1..5)", "< 5, > 10", 'not("a", "b")', "? > 1 and ? < a", '"gold"', "null",
         'date("2024-01-01")', "(-1..a]", "contains(?, \"e\")", "every x in ? satisfies x > 0")
JUEL = ("${a + 1}", "${customer.status == 'gold' ? 'yes' : \"no\"}", "Order ${x} of ${customer.age}",
        "#{list[2].b}", "${not empty list and a ne 2}", "${-150 % 7}", "${execution.getVariable('a')}",
        "${dateTime().plusDays(3)}", "${S(c).prop('d').prop('e').value()}", "${x.contains('e') && !false}")


def _kit() -> Iterator[tuple[int, bytes]]:
    for path in sorted(KIT.rglob("*.dmn")):
        content = path.read_bytes()
        if len(content) < 8_000:
            yield 4, content
        root = etree.fromstring(content)
        for node in root.iter("{*}text"):
            text = (node.text or "").strip().encode()
            if text and node.getparent().tag.endswith(("inputEntry", "allowedValues")):
                yield 1, text
            elif text:
                yield 0, text


def all_seeds() -> list[bytes]:
    """Every seed once, in one order everywhere: the byte of its language, then its text."""
    own = [*((0, text.encode()) for text in FEEL), *((1, text.encode()) for text in TESTS),
           *((2, text.encode()) for text in JUEL)]
    own += [(3, "\n".join([FEEL[place % len(FEEL)], *TESTS[place:place + 5]]).encode()) for place in range(len(TESTS))]
    own += [(4, path.read_bytes()) for path in sorted(OURS.glob("*.dmn"))]
    return list(dict.fromkeys(bytes([kind]) + text for kind, text in (*own, *_kit())))
