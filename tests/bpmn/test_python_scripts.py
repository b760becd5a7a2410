"""Python scripts: off unless turned on, and then they compute with data and reach nothing else."""

from __future__ import annotations

import json
import sys
import time

import pytest

from bpmn import parser
from bpmn.expressions import EvaluationError, ExpressionError
from bpmn.python_scripts import PythonScripts, PythonScriptsMissing
from engine import definitions, instances
from engine.definitions import Resource
from engine.engine import Engine
from engine.errors import DeploymentRefused
from engine.queries import instance, lists

MODEL = """<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="t"
  xmlns:camunda="http://camunda.org/schema/1.0/bpmn" xmlns:modeler="http://camunda.org/schema/modeler/1.0"
  modeler:executionPlatform="Camunda Platform" modeler:executionPlatformVersion="7.21.0">
  <bpmn:process id="P" isExecutable="true" camunda:historyTimeToLive="180">
    <bpmn:startEvent id="start"/><bpmn:sequenceFlow id="a" sourceRef="start" targetRef="compute"/>
    <bpmn:scriptTask id="compute" scriptFormat="{language}" camunda:resultVariable="total">
      <bpmn:script>{script}</bpmn:script></bpmn:scriptTask>
    <bpmn:sequenceFlow id="b" sourceRef="compute" targetRef="end"/><bpmn:endEvent id="end"/>
  </bpmn:process></bpmn:definitions>"""
SUM = "total = 0\nfor item in items:\n    total += item['price'] * item['quantity']\ntotal"

ESCAPES = [
    "import os\nos.system('id')", "import subprocess\nsubprocess.run(['id'])", "open('/etc/passwd').read()",
    "open('stolen', 'w').write('x')", "import os\nos.listdir('/')", "import os\nos.environ['PATH']",
    "import socket\nsocket.create_connection(('127.0.0.1', 22))", "import ctypes", "import sys\nsys.exit(1)",
    "import sys\nsys.modules['os']", "__import__('os').getcwd()", "eval('__import__(\"os\")')",
    "exec('import os; os.system(\"id\")')",
    "compile('1', '', 'eval')", "().__class__.__bases__[0].__subclasses__()",
    "''.__class__.__mro__[1].__subclasses__()",
    "(lambda: 0).__globals__", "(lambda: 0).__code__", "(x for x in ()).gi_frame.f_back.f_globals",
    "getattr((), '__cl' + 'ass__').__base__.__subclasses__()", "[].append.__self__.__class__.__base__.__subclasses__()",
    "'{0.__class__.__mro__}'.format(1)[1].x", "import builtins\nbuiltins.open('/etc/passwd')",
    "globals()['__builtins__']['open']",
    "import importlib\nimportlib.import_module('os')", "import pickle\npickle.loads(b'cos\\nsystem\\n.')",
    "from pathlib import Path\nPath('/etc/passwd').read_text()", "import pathlib\nlist(pathlib.Path('/').iterdir())",
    "import urllib.request\nurllib.request.urlopen('http://127.0.0.1')", "breakpoint()", "input()", "import threading",
    "import multiprocessing", "import gc\ngc.get_objects()", "import inspect\ninspect.stack()",
    "execution.getVariable('x')",
]
ATTACKS = [
    "while True:\n    pass", "'a' * 10 ** 10", "[0] * 10 ** 9", "def f():\n    return f()\nf()",
    "x = []\nwhile True:\n    x.append(x)", "10 ** 10 ** 8", "2 ** (2 ** 40)", "for i in range(10 ** 12):\n    pass",
    "s = 'a'\nwhile True:\n    s += s", "sorted(range(10 ** 9))", "sum(1 for i in range(10 ** 12))",
    "import time\nfor i in range(10 ** 9):\n    time.sleep(1)",
    "d = {}\ni = 0\nwhile True:\n    d[i] = 'x' * 1000\n    i += 1", "[[[]] * 1000] * 1000 * 1000",
    "x = []\nfor i in range(10 ** 6):\n    x = [x]\nx", "float('inf')",
    "list(range(200000))", "object()",
]
HARMLESS = [
    "import re\nre.match('(a+)+$', 'a' * 60 + '!')", "x = []\nx.append(x)\nx", "lambda x: x",
    "import asyncio\nasync def f():\n    await asyncio.sleep(1000)\nasyncio.run(f())", "import time\ntime.sleep(1000)",
]


@pytest.fixture(scope="module")
def scripts():
    pytest.importorskip("pydantic_monty")
    made = PythonScripts()
    yield made
    made.close()


@pytest.fixture
def scripted(sqlite_url, scripts):
    made = Engine(sqlite_url, scripts=scripts.languages)
    yield made
    made.close()


def file(script=SUM, language="python"):
    return Resource(name="p.bpmn", content=MODEL.format(script=script, language=language).encode())


def test_a_script_computes_with_the_variables_it_names(scripted):
    scripted.execute(definitions.deploy, [file()])
    items = [{"price": 2.5, "quantity": 2}, {"price": 1, "quantity": 3}]
    key = scripted.execute(instances.start, "P", variables={"items": items, "other": 1}).key
    assert instance.variables(scripted, key)["total"] == 8.0


def test_a_script_that_fails_is_an_incident_that_says_why(scripted):
    scripted.execute(definitions.deploy, [file("1 / 0")])
    scripted.execute(instances.start, "P")
    [incident] = lists.incidents(scripted).items
    assert "division by zero" in incident.message


def test_a_script_that_is_no_python_is_refused_with_its_element(scripted):
    with pytest.raises(DeploymentRefused) as refused:
        scripted.execute(definitions.deploy, [file("total = = 1")])
    assert any(problem.element_id == "compute" and "Python" in problem.message for problem in refused.value.problems)


@pytest.mark.parametrize(("language", "said"), [
    ("python", "turned off"), ("javascript", "'javascript'"), ("groovy", "'groovy'"), ("ruby", "'ruby'"),
])
def test_scripts_are_refused_unless_they_are_turned_on(language, said):
    model, problems = parser.read(file(language=language).content, "p.bpmn")
    assert model is None
    assert any(said in problem.message and "service task" in problem.message for problem in problems)


def test_other_languages_stay_refused_where_python_is_on(scripts):
    model, problems = parser.read(file(language="groovy").content, "p.bpmn", scripts.languages)
    assert model is None
    assert "'groovy'" in problems[0].message


def test_deploying_a_script_does_not_run_it(scripts):
    started = time.monotonic()
    scripts.compile("while True:\n    pass")
    assert time.monotonic() - started < 0.5


def test_without_the_extra_turning_them_on_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydantic_monty", None)
    with pytest.raises(PythonScriptsMissing, match="pip install"):
        PythonScripts()


@pytest.mark.parametrize("text", ESCAPES, ids=range(len(ESCAPES)))
def test_a_script_reaches_nothing_outside(scripts, text):
    with pytest.raises((EvaluationError, ExpressionError)):
        scripts.compile(text).evaluate({})


@pytest.mark.parametrize("text", ATTACKS, ids=range(len(ATTACKS)))
def test_a_script_that_takes_too_much_is_ended(scripts, text):
    started = time.monotonic()
    with pytest.raises((EvaluationError, ExpressionError)):
        scripts.compile(text).evaluate({})
    assert time.monotonic() - started < 10
    # and the next one runs
    assert scripts.compile("1 + 1").evaluate({}) == 2


@pytest.mark.parametrize("text", HARMLESS)
def test_what_looks_like_an_attack_ends_at_once(scripts, text):
    started = time.monotonic()
    json.dumps(scripts.compile(text).evaluate({}))
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(("text", "expected"), [
    ("(1, 'a', None, True)", [1, "a", None, True]), ("{'a': {'b': [x]}}", {"a": {"b": [4]}}), ("x = 5", None),
    ("import datetime\ndatetime.date(2030, 1, 2)", "2030-01-02"), ("print('hello')\nx", 4), ("{1}", [1]),
])
def test_what_a_script_gives_is_stored_as_json(scripts, capsys, text, expected):
    assert scripts.compile(text).evaluate({"x": 4}) == expected
    assert capsys.readouterr().out == ""
