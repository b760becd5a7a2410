"""Diagrams from elsewhere are read without harm, and deploy or are refused for the right reason.

The files are not part of the project. Where they are not there, these tests skip.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bpmn.interpreter import compile_process
from bpmn.parser import read
from bpmn.problems import Severity

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the diagrams of ../shared/corpus are not here")

NO_PROCESS = (None, "Expected an executable process (isExecutable), but there is none.")
MODELER = {
    # Camunda 8 refuses a file without executable process. Drawn in Signavio, every process is descriptive.
    "complex.bpmn": {NO_PROCESS},
    # No engine reads XML that does not close its elements.
    "e2e-broken.bpmn": {(None, "Expected well-formed XML, but mismatched tag.")},
    # Camunda 7.20 and later want a historyTimeToLive by default; it can be switched off, and we keep history anyway.
    "e2e-c7-no-httl.bpmn": set(),
    # Both deploy on Camunda 7, which looks for the class when it runs. Here the class is the name of a service.
    "e2e-c7-service-task-impl.bpmn": set(),
    "e2e-c7-service-task.bpmn": set(),
    "e2e-c7-user-task-form.bpmn": set(),
    "e2e-complex.bpmn": {NO_PROCESS},
    "e2e-credentials-service-task.bpmn": set(),
    "e2e-service-task-configured.bpmn": set(),
    "e2e-service-task-listener.bpmn": set(),
    # Camunda 8: must have exactly one zeebe:taskDefinition.
    "e2e-service-task.bpmn": {
        ("ServiceTask_1", "Expected the service task to have a job type (zeebe:taskDefinition), but it has none."),
    },
    "e2e-simple.bpmn": {NO_PROCESS},
    "e2e-user-task-form.bpmn": set(),
    # Camunda 8: the type of the task definition is empty; neither zeebe:calledDecision nor zeebe:taskDefinition.
    "lint-errors.bpmn": {
        ("Activity_084s4zz", "Expected the service task to have a job type (zeebe:taskDefinition), but it has none."),
        ("Activity_0h20swu", "Expected the business rule task to have a decision, or a job type "
                             "(zeebe:taskDefinition), but it has none."),
    },
    # Camunda 8: resultVariable must be present and not empty. The process it calls is looked for when it runs.
    "process-application-bar.bpmn": {
        ("BusinessRuleTask_1", "Expected the decision to have a result variable (resultVariable), but it has none."),
    },
    "process-application-foo.bpmn": set(),
    "simple.bpmn": {NO_PROCESS},
    # Camunda 7 checks the file against the XML schema, where these ids are no names, and takes no outputs at a start.
    "xss.bpmn": {
        ("StartEvent_1", "Expected a start event without inputs and outputs, but it has some."),
        ('"><', "Expected an id of letters, digits, '_', '-' and '.', but it is '\"><'."),
        ('\\"<img src=1 onerror=alert(1)>1', "Expected an id of letters, digits, '_', '-' and '.', but it is "
                                              "'\\\\\"<img src=1 onerror=alert(1)>1'."),
    },
    # Neither states a platform, and neither has anything but a start and an end.
    "zeebe-camunda-mixed.bpmn": set(),
    "zeebe.bpmn": set(),
}
"""For each diagram of the Modeler what is wrong with it: an empty set means that it deploys.

Each verdict was compared with what Camunda itself does with the file."""


def files() -> list[Path]:
    return [path for path in sorted(CORPUS.rglob("*.bpmn*")) if path.is_file()]


def test_every_diagram_of_the_modeler_has_a_verdict():
    assert {path.name for path in (CORPUS / "modeler").glob("*.bpmn")} == set(MODELER)


@pytest.mark.parametrize("name", MODELER)
def test_diagram_of_the_modeler_deploys_or_is_refused_for_the_right_reason(name):
    # when
    model, problems = read((CORPUS / "modeler" / name).read_bytes(), name)

    # then
    found = {(problem.element_id, problem.message) for problem in problems if problem.severity is Severity.ERROR}
    assert found == MODELER[name]
    assert (model is not None) == (not MODELER[name])


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_diagram_is_read_without_harm(path):
    # given
    began = time.process_time()

    # when
    model, problems = read(path.read_bytes(), path.name)

    # then
    assert time.process_time() - began < 5
    assert (model is None) == any(problem.severity is Severity.ERROR for problem in problems)


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_diagram_is_read_without_harm_when_every_process_is_executable(path):
    # given a diagram that is looked at as a whole, whether or not it was meant to run
    content = path.read_bytes().replace(b'isExecutable="false"', b'isExecutable="true"')

    # when
    _, problems = read(content, path.name)

    # then each problem of an element says which
    messages = [problem.message for problem in problems if problem.element_id is None]
    assert all(message.startswith(ABOUT_THE_FILE) for message in messages), messages


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_diagram_that_deploys_also_compiles(path):
    # given
    model, _ = read(path.read_bytes(), path.name)

    # then
    for process in model.processes if model else ():
        compile_process(process)


ABOUT_THE_FILE = (
    "Expected an executable process", "Expected well-formed XML", "The file has no diagram",
    "Some of the diagram is documentation",
)
