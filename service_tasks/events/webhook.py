"""One event to one webhook.

Sources: CloudEvents 1.0.2, HTTP protocol binding, structured mode; Standard Webhooks 1.0 for the signature.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime

from engine.events.outbox import Waiting
from engine.inbound.proofs import key_of
from service_tasks.connector.target import BadUrl, read_target
from service_tasks.connector.transport import Forbidden, Request, Transport
from service_tasks.errors import GiveUp, InDoubt, NotSent, UnknownOutcome
from service_tasks.events.refusal import Refusal

CONNECT_WITHIN, ANSWER_WITHIN = 5.0, 15.0
"""Seconds."""


class Webhook:
    """Sends events with `transport`. `secret_of` gives the value of a secret by its name, None if there is none."""

    def __init__(self, transport: Transport, secret_of: Callable[[str], str | None]) -> None:
        self._transport = transport
        self._secret_of = secret_of

    def send(self, event: Waiting, now: datetime) -> None:
        """Send one event. Raises Refusal unless the answer is 2xx."""
        body = json.dumps(event.body, ensure_ascii=False, separators=(",", ":")).encode()
        headers = [("Content-Type", "application/cloudevents+json; charset=utf-8"), ("User-Agent", "Partitur")]
        headers += self._signature(event, now, body)
        if "traceparent" in event.body:
            headers.append(("traceparent", event.body["traceparent"]))
        try:
            response = self._transport.send(Request(
                method="POST", target=read_target(event.address), headers=tuple(headers), body=body,
                connect_within=CONNECT_WITHIN, answer_within=ANSWER_WITHIN,
            ))
        except (BadUrl, Forbidden) as error:
            raise Refusal(str(error), is_down=True) from None
        except (NotSent, UnknownOutcome, InDoubt) as error:
            # What it may have taken all the same comes again with its id.
            raise Refusal(str(error), is_down=True) from None
        except GiveUp as error:
            raise Refusal(str(error)) from None
        if not 200 <= response.status < 300:
            # 413: this one is too large for it, and will be tomorrow.
            raise Refusal(f"Expected the target to answer 2xx, but it answered {response.status} {response.reason}.",
                          for_good=response.status == 413, is_down=response.status in (429, 502, 503, 504))

    def _signature(self, event: Waiting, now: datetime, body: bytes) -> list[tuple[str, str]]:
        at = str(int(now.timestamp()))
        headers = [("webhook-id", event.event_id), ("webhook-timestamp", at)]
        if event.secret is None:
            return headers
        secret = self._secret_of(event.secret)
        if secret is None:
            raise Refusal(f"Expected the secret {event.secret!r} to sign the event with, but it is not stored. "
                          f"`partitur secrets set {event.secret}` stores it.", is_down=True)
        signed = hmac.new(key_of(secret), b".".join([event.event_id.encode(), at.encode(), body]), hashlib.sha256)
        return [*headers, ("webhook-signature", "v1," + base64.b64encode(signed.digest()).decode())]

