"""Warnings about where tokens can go: elements none reaches, joins that never fire, loops that never wait."""

from __future__ import annotations

from collections.abc import Iterator

from bpmn.model import SCOPES, Element, ElementType, EventKind, Model, Process
from bpmn.validation.findings import Finding, contents, doubt, kinds, starts
from bpmn.validation.links import link_ends

INSTANT = frozenset({
    ElementType.TASK,
    ElementType.MANUAL_TASK,
    ElementType.SCRIPT_TASK,
    ElementType.BUSINESS_RULE_TASK,
    ElementType.INTERMEDIATE_THROW_EVENT,
    ElementType.EXCLUSIVE_GATEWAY,
    ElementType.INCLUSIVE_GATEWAY,
    ElementType.PARALLEL_GATEWAY,
})
"""Elements that a token passes at once, unless a worker performs them."""
CHOOSING = frozenset({
    ElementType.EXCLUSIVE_GATEWAY, ElementType.INCLUSIVE_GATEWAY, ElementType.EVENT_BASED_GATEWAY,
})
UNSTARTED = frozenset({ElementType.AD_HOC_SUB_PROCESS})
"""Scopes that need no start event."""
MAX_COMPARISONS = 2_000_000
"""How much work the search for joins that never fire may be; beyond it the warning is left out."""

Graph = dict[str, list[str]]


def reachable(process: Process, model: Model) -> Iterator[Finding]:
    """Every element is reached from a start event, a boundary event, a link or as a handler."""
    next_of = ways(process)
    found = {process.id}
    waiting = [process.id]
    while waiting:
        for id in next_of.get(waiting.pop(), ()):
            if id not in found:
                found.add(id)
                waiting.append(id)
    begun = {*starts(process), *(id for id, element in process.elements.items() if element.type in UNSTARTED)}
    for element in process.elements.values():
        if element.id not in found and not _is_said(element, process, found, begun):
            yield doubt(element.id, "No token ever comes here: nothing leads to this element from a start event.")


def _is_said(element: Element, process: Process, found: set[str], begun: set[str]) -> bool:
    """Whether another problem says already why no token comes to the element."""
    is_lost = element.type is ElementType.BOUNDARY_EVENT and element.attached_to not in process.elements
    return is_lost or element.for_compensation or element.scope not in found or element.scope not in begun


def ways(process: Process) -> Graph:
    """Where a token goes from each element, or what begins because of it."""
    ways: Graph = {id: [process.flows[flow].target for flow in element.outgoing]
                   for id, element in process.elements.items()}
    ways[process.id] = []
    catches = link_ends(process, ElementType.INTERMEDIATE_CATCH_EVENT)
    for key, throws in link_ends(process, ElementType.INTERMEDIATE_THROW_EVENT).items():
        for throw in throws:
            ways[throw.id] += [catch.id for catch in catches.get(key, [])]
    inside = contents(process)
    for element in process.elements.values():
        if element.attached_to in ways:
            ways[element.attached_to].append(element.id)
        if element.compensation_handler in ways:
            ways[element.id].append(element.compensation_handler)
    for scope in (process.id, *(id for id, element in process.elements.items() if element.type in SCOPES)):
        ways[scope] += [element.id for element in inside.get(scope, []) if _begins(element, scope, process)]
    return ways


def _begins(element: Element, scope: str, process: Process) -> bool:
    """Whether the element begins with its scope."""
    if element.type in (ElementType.START_EVENT, ElementType.EVENT_SUB_PROCESS):
        return True
    around = process.elements.get(scope)
    is_ad_hoc = around is not None and around.type is ElementType.AD_HOC_SUB_PROCESS
    return is_ad_hoc and not element.incoming and element.type is not ElementType.BOUNDARY_EVENT


def dead_joins(process: Process, model: Model) -> Iterator[Finding]:
    """A parallel join needs a token on each flow; after a choice only one of them gets one."""
    joins = [
        element for element in process.elements.values()
        if element.type is ElementType.PARALLEL_GATEWAY and len(element.incoming) > 1
    ]
    before = _sources(process)
    forks = _forks(process)
    budget = MAX_COMPARISONS
    for join in joins:
        upstream = [_upstream(flow, before, process) for flow in join.incoming]
        budget -= sum(map(len, upstream)) + len(forks) * len(upstream) ** 2
        if budget < 0:
            return
        if not _can_meet(upstream, forks):
            yield doubt(join.id, "The join waits for ever: after a choice only one of its flows gets a token.")


def _sources(process: Process) -> Graph:
    """The ways that lead to each way out of an element, element by element: flows, boundary events and links."""
    before: Graph = {id: list(element.incoming) for id, element in process.elements.items()}
    catches = link_ends(process, ElementType.INTERMEDIATE_CATCH_EVENT)
    for key, throws in link_ends(process, ElementType.INTERMEDIATE_THROW_EVENT).items():
        for catch in catches.get(key, []):
            before[catch.id] += [throw.id for throw in throws]
    for element in process.elements.values():
        if element.attached_to is not None and element.attached_to in process.elements:
            before[element.id].append(element.attached_to)
    return before


def _upstream(flow: str, before: Graph, process: Process) -> set[str]:
    """Every flow and element through which a token can have come to `flow`."""
    found = {flow}
    waiting = [flow]
    while waiting:
        id = waiting.pop()
        earlier = [process.flows[id].source] if id in process.flows else before.get(id, [])
        for source in earlier:
            if source not in found:
                found.add(source)
                waiting.append(source)
    return found


def _forks(process: Process) -> list[list[str]]:
    """The elements that turn one token into several: each with the ways the tokens go."""
    boundary: Graph = {}
    for element in process.elements.values():
        if element.type is ElementType.BOUNDARY_EVENT and not element.interrupting and element.attached_to:
            boundary.setdefault(element.attached_to, []).append(element.id)
    forks = []
    for element in process.elements.values():
        is_choice = element.type in (ElementType.EXCLUSIVE_GATEWAY, ElementType.EVENT_BASED_GATEWAY)
        ways = ([] if is_choice else list(element.outgoing)) + boundary.get(element.id, [])
        if len(ways) > 1 or (ways and _repeats(element)):
            forks.append(ways if len(ways) > 1 else ways * 2)
    return forks


def _repeats(element: Element) -> bool:
    """Whether one element sends several tokens along the same way."""
    return element.type is ElementType.BOUNDARY_EVENT and not element.interrupting


def _can_meet(upstream: list[set[str]], forks: list[list[str]]) -> bool:
    """Whether tokens of one fork can be on each two of the flows into a join."""
    for index, left in enumerate(upstream):
        for right in upstream[index + 1:]:
            if not any(_leads_to_both(ways, left, right) for ways in forks):
                return False
    return True


def _leads_to_both(ways: list[str], left: set[str], right: set[str]) -> bool:
    to_left = [index for index, way in enumerate(ways) if way in left]
    to_right = [index for index, way in enumerate(ways) if way in right]
    return bool(to_left and to_right) and len({*to_left, *to_right}) > 1


def instant_loops(process: Process, model: Model) -> Iterator[Finding]:
    """A loop in which no element waits and no flow has a condition never ends."""
    next_of = {
        id: [target for target in _certain(element, process) if _is_instant(process.elements.get(target))]
        for id, element in process.elements.items() if _is_instant(element)
    }
    for id in _on_cycles(next_of):
        yield doubt(id, "This is in a loop that never waits and never ends: nothing in it has a condition.")


def _is_instant(element: Element | None) -> bool:
    if element is None or element.type not in INSTANT or element.job is not None or element.loop is not None:
        return False
    is_join = element.type is ElementType.PARALLEL_GATEWAY and len(element.incoming) > 1
    return not is_join and not kinds(element) & {EventKind.COMPENSATION}


def _certain(element: Element, process: Process) -> list[str]:
    """Where a token goes from the element whatever the variables are."""
    if element.type in CHOOSING and len(element.outgoing) > 1:
        return []
    flows = [process.flows[id] for id in element.outgoing]
    return [flow.target for flow in flows if flow.condition is None and flow.id != element.default_flow]


def _on_cycles(next_of: Graph) -> list[str]:
    """One element of each cycle: the first of those that remain when dead ends are cut away, again and again."""
    waits = {id: len(targets) for id, targets in next_of.items()}
    before: Graph = {}
    for id, targets in next_of.items():
        for target in targets:
            before.setdefault(target, []).append(id)
    ends = [id for id, count in waits.items() if count == 0]
    while ends:
        id = ends.pop()
        del waits[id]
        for source in before.get(id, ()):
            waits[source] -= 1
            if waits[source] == 0:
                ends.append(source)
    return _walk_cycles(waits, next_of)


def _walk_cycles(left: dict[str, int], next_of: Graph) -> list[str]:
    """From each element that is left, go on until an element comes again: that one is on a cycle."""
    seen: set[str] = set()
    found = []
    for start in left:
        trail: set[str] = set()
        id = start
        while id not in seen:
            seen.add(id)
            trail.add(id)
            id = next(target for target in next_of[id] if target in left)
        if id in trail:
            found.append(id)
    return found


RULES = (reachable, dead_joins, instant_loops)
