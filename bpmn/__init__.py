"""Reads and runs BPMN 2.0 models. Knows no database and no web."""
