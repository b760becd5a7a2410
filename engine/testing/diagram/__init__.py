"""Draws a BPMN diagram as SVG, from its diagram interchange alone: no browser, no JavaScript."""
