"""What axe finds wrong with a page for people who see or hear it differently."""

from __future__ import annotations

from pathlib import Path

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
ALL = "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'], resultTypes: ['violations']})"
COLOURS = "axe.run(document, {runOnly: {type: 'rule', values: ['color-contrast']}, resultTypes: ['violations']})"
DARK = "matchMedia('(prefers-color-scheme: dark)').matches"


def troubles(page):
    """All that is wrong in the theme that the page has, and with the colours in the other one: each with its place.

    Between the themes of the system only colours differ, so that a page needs to be looked at once.
    """
    theme, other = ("dark", "light") if page.evaluate(DARK) else ("light", "dark")
    page.evaluate(AXE.read_text())      # not as a script tag, which the policy of the page refuses
    found = page.evaluate(ALL)["violations"]
    page.emulate_media(color_scheme=other)
    found += page.evaluate(COLOURS)["violations"]
    page.emulate_media(color_scheme=theme)
    return [(broken["id"], node["target"], node["html"][:200], node["failureSummary"]) for broken in found
            for node in broken["nodes"]]
