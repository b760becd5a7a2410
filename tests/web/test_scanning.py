"""Files of others are shown to a virus scanner at every door: a real clamd where one is installed, and one of our own
that speaks as it does."""

from __future__ import annotations

import base64
import io
import json
import shutil
import socketserver
import subprocess
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine import secrets
from engine.inbound import sources
from engine.keyring import Keyring
from engine.queries import definitions as known
from tests.web.conftest import Console, model
from web.app import create_app
from web.clamd import TEST_FILE, Scanner, ScannerAway, ScannerError
from web.cli import app as command_line
from web.cli import checks
from web.cli.settings import Settings

BAD = b"<!-- " + TEST_FILE + b" -->"
SIGNATURE = f"Found.Eicar:0:*:{TEST_FILE.hex()}\n"
"""One of our own: freshclam would need a network."""


class Clamd(socketserver.ThreadingUnixStreamServer):
    """Answers as clamd(8) says, and finds what we look for."""

    largest = 1_000_000

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            command = b""
            while not command.endswith(b"\0"):
                command += self.rfile.read(1)
            if command == b"zVERSION\0":
                self.wfile.write(b"ClamAV 1.4.6/0\0")
                return
            assert command == b"zINSTREAM\0"
            content = b""
            while size := int.from_bytes(self.rfile.read(4), "big"):
                content += self.rfile.read(size)
                if len(content) > self.server.largest:
                    self.wfile.write(b"INSTREAM size limit exceeded. ERROR\0")
                    return
            self.wfile.write(b"stream: Found.Eicar.UNOFFICIAL FOUND\0" if TEST_FILE in content else b"stream: OK\0")


@pytest.fixture(scope="module", params=["as clamd speaks", "clamd"])
def scanner(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("c")
    path = folder / "s"
    if request.param == "as clamd speaks":
        with Clamd(str(path), Clamd.Handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield Scanner.of(f"clamd://{path}")
            server.shutdown()
        return
    program = shutil.which("clamd") or shutil.which("clamd", path="/usr/sbin")
    if program is None:
        pytest.skip("This machine has no clamd (Debian: clamav-daemon).")
    (folder / "own.ndb").write_text(SIGNATURE)
    (folder / "clamd.conf").write_text(
        f"LocalSocket {path}\nDatabaseDirectory {folder}\nForeground yes\nTemporaryDirectory {folder}\n"
        "StreamMaxLength 1M\nFixStaleSocket yes\nBytecode no\n")
    process = subprocess.Popen([program, "--config-file", str(folder / "clamd.conf")], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    # It says so when it listens and has read its signatures.
    for line in process.stdout:
        if "Self checking" in line or "Listening daemon" in line:
            break
    threading.Thread(target=process.stdout.read, daemon=True).start()
    yield Scanner.of(f"clamd://{path}")
    process.terminate()
    process.wait()


def served(engine, scanner):
    return create_app(engine, secret_key="test", scanner=scanner)


def doors(content):
    """Every door by which a file can come in, with what it is sent."""
    text = base64.b64encode(content).decode()
    typed = {"variables": {"paper": {"value": text, "type": "File", "valueInfo": {"filename": "a.pdf"}}}}

    def part():
        return (io.BytesIO(content), "a.bpmn")

    return {
        "/deployments": {"data": {"files": part()}}, "/deployments/review": {"data": {"files": part()}},
        "/deployments/reviewed": {"data": {"name": "a.bpmn", "content": text}},
        "/v2/deployments": {"data": {"resources": part()}},
        "/engine-rest/deployment/create": {"data": {"deployment-name": "a", "data": part()}},
        "/engine-rest/process-definition/key/review/start": {"json": typed},
        "/engine-rest/process-instance/INSTANCE/variables/paper": {"json": typed["variables"]["paper"],
                                                                   "method": "PUT"},
        "/engine-rest/process-instance/INSTANCE/variables/paper/data": {"data": {"valueType": "File", "data": part()}},
        "/hooks/shop": {"data": content, "headers": {"x-token": "a long enough secret"}},
    }


def sent(console, door, instance, method="POST", **what):
    path = door.replace("INSTANCE", str(instance))
    if method == "PUT":
        return console._client.put(path, **what)
    if door.startswith("/deployments"):
        return console.post(path, **what)
    return console._client.post(path, **what)


@pytest.fixture
def running(engine, story):
    story.deploy()
    engine.keyring = Keyring(keys=[base64.urlsafe_b64encode(bytes(32)).decode()])
    engine.execute(secrets.put, "shop", "a long enough secret")
    engine.execute(sources.add, "shop", secret="shop", proof="token", header="x-token", mapping={"process": "review"})
    return story.start()


def test_no_door_takes_a_file_in_which_something_is_found(engine, running, scanner):
    console = Console(served(engine, scanner))
    for door, what in doors(BAD).items():
        answer = sent(console, door, running, **what)
        assert answer.status_code == (400 if door.startswith(("/v2", "/engine-rest")) else 422), (door, answer.text)
        assert "the virus scanner found Found.Eicar.UNOFFICIAL in it. Nothing was taken." in answer.text, door
    assert [each.version for each in known.versions(engine, "review")] == [1]
    console.text(f"/engine-rest/process-instance/{running}/variables/paper", 404)
    # and what is harmless comes in at each of them
    clean = model("review.bpmn").replace(b"Review", b"Look at")
    for door, what in doors(clean).items():
        answer = sent(console, door, running, **what)
        assert answer.status_code < 400, (door, answer.text)
    counted = console.text("/metrics")
    assert f'partitur_files_scanned_total{{outcome="infected"}} {len(doors(b""))}.0' in counted
    assert 'partitur_files_scanned_total{outcome="clean"}' in counted


def test_nothing_is_taken_that_the_scanner_did_not_look_at(engine, running, scanner, tmp_path):
    away = Console(served(engine, Scanner.of(f"clamd://{tmp_path}/nothing")))
    for door, what in doors(model("review.bpmn")).items():
        answer = sent(away, door, running, **what)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10"), door
        assert "Expected the virus scanner to look at what was sent, but it does not answer" in answer.text, door
    with pytest.raises(ScannerAway, match="INSTREAM size limit exceeded"):
        scanner.look(b"x" * 3_000_000)


def test_the_command_line_asks_it_and_the_doctor_tries_it(scanner, tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("PARTITUR_SCANNER", scanner.shown)
    (tmp_path / "bad.bpmn").write_bytes(model("review.bpmn") + BAD)
    refused = CliRunner().invoke(command_line, ["deploy", str(tmp_path / "bad.bpmn")])
    assert (refused.exit_code, "found Found.Eicar.UNOFFICIAL in" in " ".join(refused.output.split())) == (1, True)
    (tmp_path / "good.bpmn").write_bytes(model("review.bpmn"))
    deployed = CliRunner().invoke(command_line, ["deploy", str(tmp_path / "good.bpmn"), "--json"])
    assert (deployed.exit_code, json.loads(deployed.stdout)["definitions"][0]["version"]) == (0, 1)
    (check,) = checks.check_scanner(Settings.of())
    assert (check.result.value, check.found.startswith("ClamAV 1.")) == ("ok", True)
    monkeypatch.setenv("PARTITUR_SCANNER", "clamd:///nowhere")
    (check,) = checks.check_scanner(Settings.of())
    assert check.result.value == "failed"


@pytest.mark.parametrize("address", ["localhost:3310", "clamd://", "http://localhost", "clamd://h:x", "clamd://h/p",
                                     "clamd://u@h"])
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(ScannerError, match="Expected PARTITUR_SCANNER to be the address of a clamd"):
        Scanner.of(address)


def test_addresses_are_read():
    assert Scanner.of("") is None
    assert Scanner.of("clamd://av.internal") == Scanner(host="av.internal", port=3310)
    assert Scanner.of("clamd://[::1]:3311") == Scanner(host="::1", port=3311)
    assert Path(Scanner.of("clamd:///run/clamav/clamd.ctl").path).name == "clamd.ctl"
