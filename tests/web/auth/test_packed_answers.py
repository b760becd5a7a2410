"""What is packed is not unpacked, whoever sends it: a little of it may be very much."""

from __future__ import annotations

import gzip
import threading
import zlib
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from web.auth import openid

BOMB = gzip.compress(b'{"issuer": "' + b"x" * 50_000_000 + b'"}')


@contextmanager
def answering(content, encoding):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.headers["Accept-Encoding"])
            self.send_response(200)
            self.send_header("Content-Encoding", encoding)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()


def test_a_provider_of_identities_cannot_fill_the_memory():
    assert len(BOMB) < 100_000
    with answering(BOMB, "gzip") as (address, asked), pytest.raises(
            openid.ProviderTrouble, match="its answer is no JSON"):
        openid._fetched(address)
    assert asked == ["identity"]


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_no_door_unpacks_a_body(app, encoding, pack):
    """Each takes it for what it is, which is neither JSON nor a form."""
    client = app.test_client()
    packed = pack(b'{"processDefinitionId": "x", "name": "' + b"x" * 1_000_000 + b'"}')
    tried = 0
    for rule in app.url_map.iter_rules():
        if "POST" not in (rule.methods or ()) or rule.arguments:
            continue
        for kind in ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            answer = client.post(rule.rule, data=packed, content_type=kind, auth=("ann", "correct horse"),
                                 headers={"Content-Encoding": encoding})
            assert 300 <= answer.status_code < 500, (rule.rule, kind, answer.status_code)
            tried += 1
    assert tried > 100
