"""The signs of BPMN (BPMN 2.0 §7.3 and §13): what tells a timer from a message and a user task from a script.

Each is drawn around the point (0, 0), about 20 units wide, and moved to its place.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from engine.testing.diagram.interchange import Point


def placed(sign: str, place: Point, scale: float = 1.0) -> str:
    """A sign at a place, as large as `scale` says."""
    by = f" scale({scale:.2f})" if scale != 1 else ""
    return f'<g class="sign" transform="translate({place[0]:.1f} {place[1]:.1f}){by}">{sign}</g>'


def _path(data: str, style: str = "line") -> str:
    return f'<path class="{style}" d="{data}"/>'


def _ring(radius: float, style: str = "line", x: float = 0, y: float = 0) -> str:
    return f'<circle class="{style}" cx="{x:g}" cy="{y:g}" r="{radius:g}"/>'


def _polygon(corners: int, radius: float, style: str = "line") -> str:
    points = [(radius * math.sin(2 * math.pi * n / corners), -radius * math.cos(2 * math.pi * n / corners))
              for n in range(corners)]
    return _path("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + "Z", style)


def _gear() -> str:
    teeth, points = 8, []
    for n in range(teeth * 4):
        radius = 9.0 if n % 4 in (0, 1) else 6.5
        angle = 2 * math.pi * (n - 0.5) / (teeth * 4)
        points.append(f"{radius * math.cos(angle):.1f} {radius * math.sin(angle):.1f}")
    return _path(f"M{'L'.join(points)}Z") + _ring(3)


_ENVELOPE = "M-9 -6H9V6H-9Z"
_BOLT = "M-8 8L-3 -7L2 1L7 -9L3 7L-2 -1Z"
_PEAK = "M0 -9L7 8L0 1L-7 8Z"
_BACK = "M0 -6V6L-8 0ZM8 -6V6L0 0Z"
_CROSS = "M-7 -9L0 -2L7 -9L9 -7L2 0L9 7L7 9L0 2L-7 9L-9 7L-2 0L-9 -7Z"
_ARROW = "M-9 -3H2V-7L9 0L2 7V3H-9Z"
_PLUS = "M-3 -9H3V-3H9V3H3V9H-3V3H-9V-3H-3Z"
_SHEET = _path("M-6 -9H6V9H-6Z") + _path("M-4 -5H4M-4 -1.7H4M-4 1.7H4M-4 5H4")
_CLOCK = _ring(10) + _path("M0 -10V-7.5M10 0H7.5M0 10V7.5M-10 0H-7.5") + _path("M0 -6V0L4 3")

CATCHING: Mapping[str, str] = {
    "message": _path(_ENVELOPE) + _path("M-9 -6L0 1L9 -6"),
    "timer": _CLOCK,
    "error": _path(_BOLT),
    "escalation": _path(_PEAK),
    "signal": _path("M0 -9L9 7H-9Z"),
    "compensate": _path(_BACK),
    "conditional": _SHEET,
    "link": _path(_ARROW),
    "cancel": _path(_CROSS),
    "terminate": _ring(10, "full"),
    "multiple": _polygon(5, 10),
    "parallel": _path(_PLUS),
}
"""Signs of what an event waits for, by its kind."""

THROWING: Mapping[str, str] = {
    **CATCHING,
    "message": _path(_ENVELOPE, "full") + _path("M-9 -6L0 1L9 -6", "gap"),
    "error": _path(_BOLT, "full"),
    "escalation": _path(_PEAK, "full"),
    "signal": _path("M0 -9L9 7H-9Z", "full"),
    "compensate": _path(_BACK, "full"),
    "link": _path(_ARROW, "full"),
    "cancel": _path(_CROSS, "full"),
    "multiple": _polygon(5, 10, "full"),
}
"""Signs of what an event throws."""

TASKS: Mapping[str, str] = {
    "serviceTask": _gear(),
    "userTask": _ring(4, "line", 0, -4) + _path("M-8 9C-8 3 -5 1 0 1S8 3 8 9Z"),
    "scriptTask": _path("M-5 -9H7C3 -5 3 -3 5 0S7 5 3 9H-8C-4 5 -4 3 -6 0S-9 -5 -5 -9Z")
    + _path("M-4 -5H2M-4.5 -1.7H2.5M-3.5 1.7H3.5M-3 5H3"),
    "sendTask": THROWING["message"],
    "receiveTask": CATCHING["message"],
    "manualTask": _path("M-9 2V-2C-6 -6 -4 -8 1 -8C3 -8 3 -5 1 -5H-2H8C10 -5 10 -2 8 -2H2H8C10 -2 10 1 8 1H2H7"
                        "C9 1 9 4 7 4H2H6C8 4 8 7 6 7H-3C-6 7 -8 5 -9 2Z"),
    "businessRuleTask": _path("M-9 -7H9V-3H-9Z", "full") + _path("M-9 -7H9V7H-9ZM-9 2H9M-4 -3V7"),
}
"""Signs in the corner of a task, by its kind."""

GATEWAYS: Mapping[str, str] = {
    "exclusiveGateway": _path("M-6 -8L6 8M6 -8L-6 8", "bold"),
    "parallelGateway": _path("M0 -11V11M-11 0H11", "bold"),
    "inclusiveGateway": _ring(10, "bold"),
    "complexGateway": _path("M0 -11V11M-11 0H11M-8 -8L8 8M8 -8L-8 8", "bold"),
    "eventBasedGateway": _ring(12) + _ring(9.5) + _polygon(5, 6.5),
}
"""Signs inside a gateway, by its kind."""

MARKERS: Mapping[str, str] = {
    "loop": _path("M-3.5 5.2A6 6 0 1 1 3 5.5M-7.5 6.5L-3.5 5.2L-4.6 1.2"),
    "parallel": _path("M-4 -6V6M0 -6V6M4 -6V6", "thick"),
    "sequential": _path("M-6 -4H6M-6 0H6M-6 4H6", "thick"),
    "compensation": _path("M-1 -5V5L-7 0ZM6 -5V5L0 0Z"),
    "adHoc": _path("M-7 2C-5 -4 -2 -4 0 0S5 4 7 -2", "thick"),
    "collapsed": _path("M-7 -7H7V7H-7ZM0 -4V4M-4 0H4"),
}
"""Signs at the bottom of an activity: how often it is done, and what is inside."""
