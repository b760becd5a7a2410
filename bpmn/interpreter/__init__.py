"""Runs a process on SpiffWorkflow's parser, specs and workflow, subclassed. The only place that knows its runtime.

    program = compile_process(process)                     # once per definition version; shared, never changed
    run = Execution.start(program, keys=iter_of_ints, key=instance_key, variables={"orderId": 4711})
    run.advance()                                          # tokens move until all wait
    for entry in run.journal: ...                          # what happened (bpmn.interpreter.journal)
    tokens, changes = run.dump(), run.changes()            # to save
    run = Execution.load(program, tokens, variables, keys=..., key=...)
    run.complete(token_key, {"paid": True}); run.advance()
"""

from bpmn.interpreter.execution import Changes, Execution
from bpmn.interpreter.failures import CompileError, MigrationRefused, ModificationRefused, TokenNotFound
from bpmn.interpreter.fitting import Fit, Obstacle
from bpmn.interpreter.modifying import Put, Take
from bpmn.interpreter.nodes.ad_hoc import Directions
from bpmn.interpreter.program import Program, compile_process

__all__ = [
    "Changes", "CompileError", "Directions", "Execution", "Fit", "MigrationRefused", "ModificationRefused", "Obstacle",
    "Program", "Put", "Take", "TokenNotFound", "compile_process",
]
