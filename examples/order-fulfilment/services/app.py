"""Three small companies behind HTTP: Inventory, Billing and Shipping. They know nothing of any process.

Run it by itself:   python examples/order-fulfilment/services/app.py --port 8090 --database services.db

Every request that changes something carries an `Idempotency-Key`; asking twice with one key acts once and answers
the same. `/recorded` shows every request received, `/effects` what was really done, and `POST /faults` makes a
service misbehave for one order, so that trouble can be tried out:

    {"service": "billing", "orderId": "A-1003", "behaviour": "decline"}

Behaviours: `decline` (the business says no), `delay` (answers after `seconds`), `fail` (500), `down` (503 with
`Retry-After: seconds`), `bad-answer` (a field is missing), `lose-reply` (acts, then answers 500). `times` limits how
often; without it the fault stays.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

sys.path.insert(0, str(Path(__file__).parent))  # run as a file, the folder is no package

import business
from store import Store

Answer = tuple[int, dict[str, Any]]
Handler = Callable[[Store, dict[str, Any]], Answer]

DECLINES: dict[str, Answer] = {
    "inventory": (409, business.problem("OUT_OF_STOCK", "The warehouse has less than was ordered.")),
    "billing": (402, business.problem("PAYMENT_DECLINED", "The card's bank declined the payment.")),
    "shipping": (422, business.problem("NO_CARRIER", "No carrier delivers to this address.")),
}


def create_app(database: str | Path = ":memory:") -> Flask:
    """The three services on one store; `database` is a file that outlives the process, or ":memory:"."""
    app = Flask(__name__)
    store = Store(database)
    app.extensions["store"] = store
    app.extensions["closing"] = threading.Event()

    def act(service: str, handler: Handler, **path: str) -> Response:
        body = {**(request.get_json(silent=True) or {}), **path}
        status, answer, headers = _answer(store, app.extensions["closing"], service, handler, body)
        store.record(service, request.method, request.path, dict(request.headers), body, status)
        response = jsonify(answer)
        response.status_code = status
        response.headers.update(headers)
        if status >= 400:
            response.mimetype = "application/problem+json"
        return response

    @app.post("/inventory/reservations")
    def reserve() -> Response:
        return act("inventory", business.reserve)

    @app.post("/inventory/reservations/<reservation_id>/release")
    def release(reservation_id: str) -> Response:
        return act("inventory", business.release, reservationId=reservation_id)

    @app.post("/billing/authorizations")
    def authorize() -> Response:
        return act("billing", business.authorize)

    @app.post("/billing/authorizations/<authorization_id>/void")
    def void(authorization_id: str) -> Response:
        return act("billing", business.void, authorizationId=authorization_id)

    @app.post("/shipping/deliveries")
    def schedule() -> Response:
        return act("shipping", business.schedule)

    _add_switches(app, store)
    return app


def _answer(
    store: Store, closing: threading.Event, service: str, handler: Handler, body: dict[str, Any]
) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Answer one request: misbehave if told to, act at most once per idempotency key, and repeat the first answer."""
    key = request.headers.get("Idempotency-Key")
    if not key:
        return 400, business.problem("", "Expected a header Idempotency-Key, but there is none."), {}
    order = body.get("orderId") or store.order_of(body)
    fault = store.take_fault(service, order)
    behaviour, seconds = (fault["behaviour"], fault["seconds"]) if fault else (None, 0)
    if behaviour == "down":
        return 503, business.problem("", f"{service} is down for maintenance."), {"Retry-After": str(seconds)}
    if behaviour == "fail":
        return 500, business.problem("", f"{service} failed: database is not available."), {}
    if behaviour == "delay":
        closing.wait(seconds)
    decline = DECLINES[service] if behaviour == "decline" else None
    status, answer = store.once(service, key, lambda: decline or handler(store, body))
    if behaviour == "bad-answer":
        answer = {name: value for name, value in answer.items() if not name.endswith("Id")}
    if behaviour == "lose-reply":
        return 500, business.problem("", f"{service} failed after it had acted."), {}
    return status, answer, {}


def _add_switches(app: Flask, store: Store) -> None:
    @app.get("/recorded")
    def recorded() -> Response:
        """Every request received, oldest first; `?orderId=` narrows it down."""
        return jsonify(store.received(request.args.get("orderId")))

    @app.get("/effects")
    def effects() -> Response:
        """What was really done, oldest first; `?orderId=` narrows it down."""
        return jsonify(store.effects(request.args.get("orderId")))

    @app.get("/stock/<sku>")
    def stock(sku: str) -> Response:
        return jsonify({"sku": sku, "available": store.available(sku)})

    @app.post("/faults")
    def add_fault() -> tuple[Response, int]:
        fault = request.get_json()
        store.add_fault(
            fault["service"], fault.get("orderId"), fault["behaviour"], fault.get("seconds", 5), fault.get("times")
        )
        return jsonify(fault), 201

    @app.get("/faults")
    def faults_left() -> Response:
        """How many faults are still to come."""
        return jsonify({"left": store.faults_left()})

    @app.delete("/faults")
    def clear_faults() -> tuple[str, int]:
        """All services behave again; `?orderId=` for one order only."""
        store.clear_faults(request.args.get("orderId"))
        return "", 204

    @app.get("/health")
    def health() -> Response:
        return jsonify({"ok": True})


class Quiet(WSGIRequestHandler):
    """Writes no line per request: `/recorded` has them all."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


class Running:
    """The services, served on a port by a thread of this process."""

    def __init__(self, app: Flask, host: str, port: int) -> None:
        self.app = app
        self._server: BaseWSGIServer = make_server(host, port, app, threaded=True, request_handler=Quiet)
        # A call that hangs on purpose must not keep the process from ending.
        self._server.daemon_threads = True  # type: ignore[attr-defined]
        self.url = f"http://{host}:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="order-services", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Answer nothing any more."""
        self.app.extensions["closing"].set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def serve(database: str | Path = ":memory:", host: str = "127.0.0.1", port: int = 0) -> Running:
    """Serve the three services from a thread; port 0 takes a free one (see `Running.url`)."""
    return Running(create_app(database), host, port)


def main() -> None:
    """Serve until interrupted; prints one line of JSON with the address."""
    parser = argparse.ArgumentParser(description="Inventory, Billing and Shipping of the order example.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=int(os.environ.get("ORDER_SERVICES_PORT", "8090")))
    parser.add_argument("--database", default=":memory:")
    arguments = parser.parse_args()
    running = serve(arguments.database, arguments.host, arguments.port)
    sys.stdout.write(json.dumps({"url": running.url}) + "\n")
    sys.stdout.flush()
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        running.stop()


if __name__ == "__main__":
    main()
