"""Task specs: what each kind of BPMN element does with a token. All are SpiffWorkflow specs, subclassed."""
