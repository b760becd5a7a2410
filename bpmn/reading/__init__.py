"""Turns the XML of a BPMN file into the frozen model. `bpmn.parser` is its public face."""
