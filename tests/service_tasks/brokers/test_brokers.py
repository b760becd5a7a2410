"""Events to real brokers and from them: confirmed, in order, once, and nothing lost when the broker is killed."""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine import definitions, instances, secrets
from engine.errors import Unavailable
from engine.events import addresses, outbox, targets
from engine.inbound import receiving, sources
from engine.keyring import Keyring
from engine.queries import instances as found
from engine.queries.instances import InstanceFilter
from service_tasks.brokers import Loop, Outgoing, open_sender, receive
from service_tasks.connector import Reach
from service_tasks.connector.transport import Transport
from service_tasks.events import Dispatcher
from service_tasks.inbound import Listener
from tests.engine.drawing import end, file, process, service, start
from tests.service_tasks.brokers.servers import LOGIN, PASSWORD, USER, Nats, SecureNats

HERE = Transport(Reach.of("127.0.0.1"))


@pytest.fixture
def loop():
    made = Loop("test-brokers")
    yield made
    made.stop()


@pytest.fixture
def place(broker, loop):
    """A name of a queue or stream that nobody used before."""
    name = f"t{uuid.uuid4().hex[:12]}"
    if isinstance(broker, Nats):
        loop.run(_stream(broker.port, name), 10)
    return name


async def _stream(port, name):
    import nats
    client = await nats.connect(f"nats://127.0.0.1:{port}")
    await client.jetstream().add_stream(name=name, subjects=[f"{name}.>"])
    await client.close()


def waited_for(engine, condition, most=600):
    """Looks again and again until `condition` holds."""
    with engine.wakeup.listen(["never"]) as listener:
        for _ in range(most):
            if condition():
                return True
            listener.wait(0.05)
    return False


def read_all(loop, address, count):
    """What a broker has, until there are so many different ids."""
    got = []

    async def collect():
        enough = asyncio.Event()

        async def take(incoming):
            got.append(json.loads(incoming.body))
            if len({event["id"] for event in got}) >= count:
                enough.set()
        reading = asyncio.ensure_future(receive(addresses.read(address, addresses.IN), None, take, lambda: None))
        waiting = asyncio.ensure_future(enough.wait())
        await asyncio.wait([reading, waiting], return_when=asyncio.FIRST_COMPLETED)
        while not reading.done():
            reading.cancel()
            await asyncio.wait([reading], timeout=0.5)

    loop.run(collect(), 120)
    return got


def test_nothing_is_lost_and_order_is_kept_when_the_broker_is_killed(engine, clock, broker, loop, place, monkeypatch):
    # given events of some instances
    engine.execute(definitions.deploy, [file(process("simple", start(), end()))])
    engine.execute(targets.add, "broker", broker.out(place))
    clock.advance(seconds=targets.SETTLES.total_seconds())
    for _ in range(8):
        engine.execute(instances.start, "simple")
    [(_, counted)] = outbox.counts(engine).items()
    dispatcher = Dispatcher(engine, HERE)

    # when the broker is killed between two of them
    send, sent = dispatcher._brokers.send, []

    def send_and_kill(event, now):
        if len(sent) == 13:
            broker.kill()
        sent.append(event.event_id)
        send(event, now)

    monkeypatch.setattr(dispatcher._brokers, "send", send_and_kill)
    try:
        with ThreadPoolExecutor(2) as pool:
            while dispatcher.deliver(pool):
                pass
            [target] = targets.all_of_them(engine)
            assert target.failures
            assert target.last_error
            broker.begin()
            for _ in range(20):     # a broker that has just begun may be slow
                clock.advance(seconds=outbox.LONGEST_PAUSE.total_seconds())
                while dispatcher.deliver(pool):
                    pass
                if outbox.counts(engine) == {}:
                    break
    finally:
        dispatcher.end()

    # then it has all of them, those of each instance in their order; one of doubt may be there twice
    assert outbox.counts(engine) == {}
    got = read_all(loop, broker.came_in(place), counted.waiting)
    firsts = list({event["id"]: event for event in got}.values())
    assert len(firsts) == counted.waiting
    for key in {event["subject"] for event in firsts}:
        mine = [int(event["id"]) for event in firsts if event["subject"] == key]
        assert mine == sorted(mine)
    assert targets.all_of_them(engine)[0].failures == 0


def test_events_of_a_broker_start_instances_once_although_it_is_killed(engine, broker, loop, place, monkeypatch):
    # given a source that listens, and events: one of them twice, one that is none
    engine.execute(definitions.deploy, [file(process("claim", start(), service("look"), end()))])
    engine.execute(sources.add, "claims", broker.came_in(place), mapping={"process": "claim", "business_id": "=body.n"})
    refusing = [2]
    receive_it = receiving.receive

    def away_at_first(*arguments):
        if refusing[0]:
            refusing[0] -= 1
            raise Unavailable("the database is away")
        return receive_it(*arguments)

    monkeypatch.setattr(receiving, "receive", away_at_first)
    events = [json.dumps({"specversion": "1.0", "id": f"e{n}", "source": "/test", "type": "claim", "data": {"n": n}})
              for n in range(6)]
    listener = Listener(engine, HERE)
    listener.start()

    def started():
        return sorted(int(row.business_id) for row in found.search(engine, InstanceFilter()).items)

    try:
        loop.run(publish(broker.out(place), [*events[:3], events[0], "{nonsense"]), 20)
        assert waited_for(engine, lambda: started() == [0, 1, 2] and receiving.all_set_aside(engine))

        # when the broker is killed and begins again
        broker.kill()
        assert waited_for(engine, lambda: sources.named(engine, "claims").trouble)
        broker.begin()

        # then what comes afterwards is taken, and all of it once
        loop.run(publish(broker.out(place), [events[1], *events[3:]]), 20)
        assert waited_for(engine, lambda: len(started()) >= 6)
        assert waited_for(engine, lambda: sources.named(engine, "claims").trouble is None)
    finally:
        listener.stop()
    assert started() == [0, 1, 2, 3, 4, 5]
    [aside] = receiving.all_set_aside(engine)
    assert (aside.body, "JSON" in aside.error) == ("{nonsense", True)
    assert sources.named(engine, "claims").received >= 8


async def publish(address, bodies, key=None):
    """Send events of many instances, or of one: only these are in order everywhere."""
    sender = await open_sender(addresses.read(address, addresses.OUT), None)
    for number, body in enumerate(bodies):
        await sender.send(Outgoing(id=f"{uuid.uuid4()}", type="t", key=key or str(number), body=body.encode()))
    await sender.close()


def test_what_a_reader_took_and_did_not_confirm_comes_again(engine, broker, loop, place, monkeypatch):
    from service_tasks.brokers import redis_streams
    monkeypatch.setattr(redis_streams, "ABANDONED", 0)
    loop.run(publish(broker.out(place), ['{"id": "a"}', '{"id": "b"}'], "one"), 20)

    async def die_on_the_first():
        async def take(incoming):
            raise RuntimeError("died")
        await receive(addresses.read(broker.came_in(place), addresses.IN), None, take, lambda: None)

    with pytest.raises(RuntimeError):
        loop.run(die_on_the_first(), 20)
    assert [event["id"] for event in read_all(loop, broker.came_in(place), 2)][:2] == ["a", "b"]


@pytest.mark.parametrize(("secret", "words"), [("not_stored", "partitur secrets set not_stored"), (None, "PARTITUR")])
def test_broker_that_may_not_be_called_or_has_no_login_is_told_in_words(engine, clock, secret, words):
    engine.execute(definitions.deploy, [file(process("simple", start(), end()))])
    engine.execute(targets.add, "broker", "redis://10.0.0.1:1?stream=s", secret=secret)
    clock.advance(seconds=targets.SETTLES.total_seconds())
    engine.execute(instances.start, "simple")
    dispatcher = Dispatcher(engine, HERE)
    with ThreadPoolExecutor(1) as pool:
        dispatcher.deliver(pool)
    dispatcher.end()
    assert words in targets.all_of_them(engine)[0].last_error


@pytest.fixture
def secured(broker):
    """The broker at a port where one has to log in, by TLS."""
    if not isinstance(broker, Nats):
        yield broker
        return
    server = SecureNats(broker.folder / "secure")
    try:
        server.begin()
        yield server
    finally:
        server.end()


def test_brokers_are_logged_in_to_by_tls_and_nobody_else_is_trusted(engine, clock, secured, loop, place, monkeypatch):
    # given a target with a login, whose certificate is signed by an authority of its own
    engine.keyring = Keyring(keys=[base64.urlsafe_b64encode(bytes(32)).decode()])
    engine.execute(definitions.deploy, [file(process("simple", start(), end()))])
    engine.execute(secrets.put, "login", LOGIN)
    engine.execute(targets.add, "broker", secured.secure(place), secret="login", types=["partitur.instance.started"])
    clock.advance(seconds=targets.SETTLES.total_seconds())
    engine.execute(instances.start, "simple")
    reach = Transport(Reach.of("localhost"))

    def delivered():
        dispatcher = Dispatcher(engine, reach)
        with ThreadPoolExecutor(2) as pool:
            clock.advance(seconds=outbox.LONGEST_PAUSE.total_seconds())
            while dispatcher.deliver(pool):
                pass
        dispatcher.end()
        [target] = targets.all_of_them(engine)
        return target

    # then without the authority nothing is sent
    refused = delivered()
    assert (refused.delivered, bool(refused.failures)) == (0, True)

    # nor with another password, which no sentence tells
    monkeypatch.setenv("SSL_CERT_FILE", str(secured.folder / "ca.pem"))
    engine.execute(secrets.put, "login", f"{USER}:wrong-word")
    refused = delivered()
    assert (refused.delivered, "wrong-word" in refused.last_error) == (0, False)

    # and with both it is
    engine.execute(secrets.put, "login", LOGIN)
    if isinstance(secured, SecureNats):
        loop.run(_secure_stream(secured, place), 10)
    sent = delivered()
    assert (sent.delivered, sent.failures) == (1, 0), sent.last_error


async def _secure_stream(server, name):
    import nats
    client = await nats.connect(f"tls://localhost:{server.port}", user=USER, password=PASSWORD)
    await client.jetstream().add_stream(name=name, subjects=[f"{name}.>"])
    await client.close()
