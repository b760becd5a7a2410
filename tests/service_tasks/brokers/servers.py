"""Real brokers for tests, each on free ports and with a folder of its own, to be killed and begun again."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.service_tasks.brokers import certificates

ROOT = Path(__file__).parents[3]
JARS = ROOT / ".venv" / "kafka"
"""Where `.ci/brokers` puts those of Kafka."""
LOGIN = "partitur:s3cret, word"
USER, PASSWORD = LOGIN.split(":")
PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
RABBIT = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def needed(name: str) -> str:
    """The program of a broker; without it the test is skipped, or fails where brokers must be."""
    found = shutil.which(name, path=PATH)
    if found is None:
        words = f"Expected to find {name} (Debian: apt-get install {name}), but it is not installed."
        if os.environ.get("CI") == "true":
            pytest.fail(words)
        pytest.skip(words)
    return found


class Server:
    """One server. `begin` returns when it takes connections."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.port, self.tls_port = folder, free_port(), free_port()
        self.process: subprocess.Popen | None = None
        certificates.write(folder)

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    def begin(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self.command(), env=self.environment(), stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, cwd=self.folder, start_new_session=True)
        deadline = time.monotonic() + 90
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"{self.command()[0]} did not begin: {(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.05)

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1):
                return True
        except OSError:
            return False

    def kill(self) -> None:
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    end = kill

    def secure(self, name: str) -> str:
        """Where events go to for who logs in with `LOGIN` and trusts the certificate, by TLS."""
        raise NotImplementedError

    def out(self, name: str) -> str:
        """Where events go to."""
        raise NotImplementedError

    def came_in(self, name: str) -> str:
        """Where they come from again."""
        raise NotImplementedError


class Redis(Server):
    def command(self) -> list[str]:
        return [needed("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly",
                "yes", "--appendfsync", "always", "--dir", str(self.folder),
                "--tls-port", str(self.tls_port), "--tls-auth-clients", "no", "--tls-ca-cert-file", "ca.pem",
                "--tls-cert-file", "server.pem", "--tls-key-file", "key.pem",
                "--user", USER, "on", f">{PASSWORD}", "~*", "&*", "+@all"]

    def secure(self, name: str) -> str:
        return f"rediss://localhost:{self.tls_port}/0?stream={name}"

    def out(self, name: str) -> str:
        return f"redis://127.0.0.1:{self.port}/0?stream={name}"

    came_in = out


class Nats(Server):
    def command(self) -> list[str]:
        return [needed("nats-server"), "-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", str(self.folder)]

    def out(self, name: str) -> str:
        return f"nats://127.0.0.1:{self.port}?subject={name}.all"

    def came_in(self, name: str) -> str:
        return f"nats://127.0.0.1:{self.port}?stream={name}"


class SecureNats(Nats):
    """NATS has one port, for all or for none."""

    def command(self) -> list[str]:
        return [*super().command(), "--user", USER, "--pass", PASSWORD, "--tls", "--tlscert", "server.pem",
                "--tlskey", "key.pem"]

    def secure(self, name: str) -> str:
        return f"nats+tls://localhost:{self.port}?subject={name}.all"


class RabbitMq(Server):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.others = free_port(), free_port()
        rights = [{"user": name, "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}
                  for name in ("guest", USER)]
        users = [{"name": name, "password_hash": self._hashed(password), "tags": "administrator"}
                 for name, password in (("guest", "guest"), (USER, PASSWORD))]
        (folder / "definitions.json").write_text(json.dumps(
            {"vhosts": [{"name": "/"}], "users": users, "permissions": rights}))
        (folder / "rabbit.conf").write_text(
            f"load_definitions = {folder}/definitions.json\nlisteners.tcp.default = 127.0.0.1:{self.port}\n"
            f"listeners.ssl.default = 127.0.0.1:{self.tls_port}\nssl_options.cacertfile = {folder}/ca.pem\n"
            f"ssl_options.certfile = {folder}/server.pem\nssl_options.keyfile = {folder}/key.pem\n")

    @staticmethod
    def _hashed(password: str) -> str:
        """As RabbitMQ keeps it (its docs, "Passwords"): a salt of four bytes and the SHA-256 of it and the password."""
        salt = b"salt"
        return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()

    def secure(self, name: str) -> str:
        return f"amqps://localhost:{self.tls_port}?queue={name}"

    def command(self) -> list[str]:
        needed("rabbitmq-server")
        return [str(RABBIT)]

    def environment(self) -> dict[str, str]:
        names = {
            "NODENAME": f"partitur{self.port}@localhost", "NODE_IP_ADDRESS": "127.0.0.1", "NODE_PORT": str(self.port),
            "DIST_PORT": str(self.others[0]), "MNESIA_BASE": str(self.folder / "kept"),
            "LOG_BASE": str(self.folder / "logs"), "LOGS": "-", "CONFIG_FILE": str(self.folder / "rabbit.conf"),
            "ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
        }
        return {**os.environ, "HOME": str(self.folder), "ERL_EPMD_PORT": str(self.others[1]),
                "ERL_EPMD_ADDRESS": "127.0.0.1", **{f"RABBITMQ_{name}": value for name, value in names.items()}}

    def end(self) -> None:
        self.kill()
        epmd = shutil.which("epmd", path=PATH)
        for _ in range(50 if epmd else 0):
            told = subprocess.run([epmd, "-kill"], env=self.environment(), capture_output=True, check=False)
            if b"living nodes" not in told.stdout + told.stderr:
                break
            time.sleep(0.1)     # until it has noticed that its node is gone

    def out(self, name: str) -> str:
        return f"amqp://127.0.0.1:{self.port}?queue={name}"

    came_in = out


class Kafka(Server):
    """One broker that is its own controller, without ZooKeeper."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        control = free_port()
        (folder / "store.pem").write_text((folder / "key.pem").read_text() + (folder / "server.pem").read_text())
        login = "org.apache.kafka.common.security.plain.PlainLoginModule required"
        (folder / "server.properties").write_text("\n".join((
            "process.roles=broker,controller", "node.id=1", f"controller.quorum.voters=1@127.0.0.1:{control}",
            f"listeners=PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{control},"
            f"SASL_SSL://localhost:{self.tls_port}", "controller.listener.names=CONTROLLER",
            "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL",
            f"log.dirs={folder}/kept", "offsets.topic.replication.factor=1", "offsets.topic.num.partitions=1",
            "transaction.state.log.replication.factor=1", "transaction.state.log.min.isr=1", "num.partitions=3",
            "group.initial.rebalance.delay.ms=0", "broker.session.timeout.ms=1000", "broker.heartbeat.interval.ms=200",
            "sasl.enabled.mechanisms=PLAIN", "ssl.keystore.type=PEM", f"ssl.keystore.location={folder}/store.pem",
            f'listener.name.sasl_ssl.plain.sasl.jaas.config={login} user_{USER}="{PASSWORD}";',
        )))

    def begin(self) -> None:
        if not (self.folder / "kept").exists():
            subprocess.run([*self._java(), "kafka.tools.StorageTool", "format", "--cluster-id",
                            "MkU3OEVBNTcwNTJENDM2Qg", "--config", "server.properties"], cwd=self.folder, check=True,
                           capture_output=True)
        super().begin()

    @staticmethod
    def _java() -> list[str]:
        java = shutil.which("java")
        if java is None or not any(JARS.glob("kafka-server-*.jar")):
            # Not where CI=true either: Maven is not to be reached from everywhere.
            pytest.skip("Expected Java and the jars of Kafka (.ci/brokers brings both), but they are not there.")
        # A server of some seconds: what makes a JVM quick in the long run makes it slow to begin.
        return [java, "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-cp", f"{JARS}/*"]

    def command(self) -> list[str]:
        return [*self._java(), "kafka.Kafka", "server.properties"]

    def answers(self) -> bool:
        if not super().answers():
            return False
        # In a thread of its own: the one of the tests has a loop, once a browser was used in it.
        with ThreadPoolExecutor(1) as other:
            return other.submit(asyncio.run, self._takes()).result()

    async def _takes(self) -> bool:
        from aiokafka.admin import AIOKafkaAdminClient
        from aiokafka.errors import KafkaError
        client = AIOKafkaAdminClient(bootstrap_servers=f"127.0.0.1:{self.port}", request_timeout_ms=2_000)
        try:
            await client.start()
            return bool((await client.describe_cluster())["brokers"])
        except (KafkaError, OSError):
            return False
        finally:
            await client.close()

    def out(self, name: str) -> str:
        return f"kafka://127.0.0.1:{self.port}?topic={name}"

    def secure(self, name: str) -> str:
        return f"kafka+tls://localhost:{self.tls_port}?topic={name}"

    came_in = out


KINDS = {"rabbitmq": RabbitMq, "redis": Redis, "nats": Nats, "kafka": Kafka}
