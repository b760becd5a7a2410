"""FEEL, the expression language of DMN 1.5 and Camunda 8, compiled to Python closures.

    program = compile_feel("amount > 100 and customer.status = \\"gold\\"")
    program.names                                       # {"amount", "customer"}
    program.evaluate({"amount": 120, "customer": {"status": "gold"}})      # True

`docs/FEEL.md` lists the functions and where Camunda's FEEL and the standard's differ.
"""

from bpmn.feel.errors import FeelError, FeelSyntaxError
from bpmn.feel.program import Program, compile_feel

__all__ = ["FeelError", "FeelSyntaxError", "Program", "compile_feel"]
