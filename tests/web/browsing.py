"""What the browser tests do with pages: go to them, wait for them, find things on them."""

from __future__ import annotations

from engine.queries import lists


def every_page(engine, key):
    """The address of every page, and of the tabs of an instance."""
    task = lists.user_tasks(engine).items[0].key
    tabs = (f"/instances/{key}?tab={tab}" for tab in ("variables", "why", "incidents", "jobs", "tasks", "audit", "raw"))
    return ("/", "/processes", "/processes/review", "/deployments/new", "/instances", *tabs, "/tasks", f"/tasks/{task}",
            "/reports", "/hotspot", "/services", "/secrets", "/decisions", "/forms", "/feel", "/audit", "/nodes",
            "/api", *views(engine))


def views(engine):
    """Pages that no route tells of, so that `test_every_page` does not come by."""
    task = lists.user_tasks(engine).items[0].key
    return (f"/tasks?view=overdue&due=today&task={task}", "/processes/review?heat=p95",
            "/instances?process=review&shown=note", "/nowhere")


def diagram(page):
    """Wait until the diagram is drawn."""
    page.wait_for_selector("bpmn-diagram[data-ready]")
    return page.locator("bpmn-diagram")


def settle(page):
    """Wait until the page has loaded and its diagram, if it has one, is drawn or cannot be."""
    page.wait_for_selector("bpmn-diagram[data-ready], bpmn-diagram[data-undrawn], main:not(:has(bpmn-diagram))",
                           state="attached")


def visit(page, path):
    """Go to another page of the same console."""
    page.goto("/".join(page.url.split("/")[:3]) + path)
    settle(page)


def shape(page, element):
    return page.locator(f'bpmn-diagram g.djs-element[data-element-id="{element}"]')


def badge(page, element, state):
    return page.locator(f'.djs-overlays[data-container-id="{element}"] .badge[data-state="{state}"]')


def give_reason(page, dialog, reason):
    page.locator(f"#{dialog} textarea[name=reason]").fill(reason)
    page.locator(f"#{dialog} .dialog-actions .primary").click()
