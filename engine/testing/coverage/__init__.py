"""BPMN coverage: which elements, sequence flows and rules the process tests passed, and which they never did."""
