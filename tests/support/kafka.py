"""A private Apache Kafka for tests, demo and benches: fetched once, started in a second or three.

    with Kafka(folder) as kafka:            # or .start() … .stop()
        kafka.bootstrap                     # "127.0.0.1:23456"
        kafka.create_topic("t", partitions=4, config={"message.timestamp.type": "LogAppendTime"})
        kafka.kill9(); kafka.restart()      # same ports, same data

The folder keeps ports, cluster id and data, so a second Kafka(folder) after stop() or kill9()
carries on. It listens on loopback only. A broker never outlives the thread that started it (the
kernel sends it SIGKILL), so start it from a thread that lives as long as the broker shall.

From a shell:  python3 -m tests.support.kafka fetch
               python3 -m tests.support.kafka run --dir DIR [--nodes 3]
"""

from __future__ import annotations

import argparse
import base64
import fcntl
import hashlib
import json
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml
from pathlib import Path

HERE = Path(__file__).resolve().parent / "kafka"
START_S = 90  # the machine may be busy; an idle one needs 3
STOP_S = 15
CALL_S = 10

# Short-lived brokers with little to do: the first compiler tier and the serial collector start
# faster and leave the cores to what is being tested.
JAVA = [
    "java", "-Xms96m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Djava.awt.headless=true",
]  # fmt: skip


class KafkaError(RuntimeError):
    pass


# ---- jars --------------------------------------------------------------------------------------


def version() -> str:
    """The version that pom.xml pins."""
    node = xml.parse(HERE / "pom.xml").find(".//{*}kafka.version")
    if node is None or not node.text:
        raise KafkaError(f"{HERE / 'pom.xml'}: no kafka.version")
    return node.text


def _wanted() -> dict[str, str]:
    wanted = {}
    for line in (HERE / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split()
        wanted[name] = digest
    return wanted


def _wrong(folder: Path) -> list[str]:
    """What differs between the folder and SHA256SUMS; empty when every jar is as recorded."""
    if not folder.is_dir():
        return [f"{folder}: missing"]
    wanted, found = _wanted(), {path.name: path for path in folder.glob("*.jar")}
    wrong = [f"{name}: missing" for name in wanted if name not in found]
    wrong += [f"{name}: not in SHA256SUMS" for name in found if name not in wanted]
    for name in wanted.keys() & found.keys():
        if hashlib.sha256(found[name].read_bytes()).hexdigest() != wanted[name]:
            wrong.append(f"{name}: checksum differs")
    return sorted(wrong)


def _copy_jars(folder: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise KafkaError("mvn: not found (Debian package maven)")
    command = [
        maven, "--batch-mode", "--quiet", "--file", str(HERE / "pom.xml"),
        "dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder}",
    ]  # fmt: skip
    for attempt in (1, 2, 3):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode == 0:
            return
        _say(f"attempt {attempt} of 3 failed")
        time.sleep(attempt)
    raise KafkaError("could not fetch Kafka's jars through Maven:\n" + done.stdout[-2000:])


def _say(text: str) -> None:
    print(f"kafka: {text}", file=sys.stderr, flush=True)


def fetch() -> Path:
    """The folder with Kafka's jars, fetched through Maven and checked against SHA256SUMS.

    Safe to call from many processes at once: one fetches, the others wait. The folder appears by
    one rename, complete and checked, or not at all.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kasumori"
    folder = cache / f"kafka-{version()}"
    if not _wrong(folder):
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / "kafka.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wrong = _wrong(folder)
        if not wrong:  # somebody else was faster
            return folder
        if folder.exists():
            _say(f"{folder} is damaged ({wrong[0]}), fetching again")
            shutil.rmtree(folder)
        _say(f"fetching Apache Kafka {version()} through Maven into {folder}")
        partial = Path(tempfile.mkdtemp(prefix="kafka-", suffix=".partial", dir=cache))
        try:
            _copy_jars(partial)
            wrong = _wrong(partial)
            if wrong:
                raise KafkaError("jars differ from SHA256SUMS: " + "; ".join(wrong[:5]))
            os.chmod(partial, 0o755)
            os.rename(partial, folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        _say(f"fetched {len(_wanted())} jars, all checksums match")
    return folder


# ---- the few requests a harness needs, by hand: it must not depend on a client library ---------


def _text(value: str | None) -> bytes:
    if value is None:
        return struct.pack(">h", -1)
    data = value.encode()
    return struct.pack(">h", len(data)) + data


class _Answer:
    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def take(self, fmt: str) -> int:
        (value,) = struct.unpack_from(">" + fmt, self.data, self.at)
        self.at += struct.calcsize(">" + fmt)
        return value

    def text(self) -> str | None:
        size = self.take("h")
        if size < 0:
            return None
        self.at += size
        return self.data[self.at - size : self.at].decode()


def _read(link: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = link.recv(size - len(data))
        if not part:
            raise ConnectionError("the broker closed the connection")
        data += part
    return data


def _call(port: int, key: int, api_version: int, body: bytes, wait_s: float = CALL_S) -> _Answer:
    head = struct.pack(">hhi", key, api_version, 1) + _text("kasumori-harness")
    with socket.create_connection(("127.0.0.1", port), timeout=wait_s) as link:
        link.sendall(struct.pack(">i", len(head) + len(body)) + head + body)
        (size,) = struct.unpack(">i", _read(link, 4))
        answer = _Answer(_read(link, size))
    answer.take("i")  # correlation id
    return answer


def _brokers(port: int) -> int:
    """How many brokers the one at port sees alive (Metadata v4, no topics)."""
    answer = _call(port, 3, 4, struct.pack(">i?", 0, False), wait_s=1)
    answer.take("i")  # throttle
    return answer.take("i")


# ---- broker ------------------------------------------------------------------------------------


def _free_ports(count: int) -> list[int]:
    """Below the kernel's range for outgoing connections: a port from inside that range may be taken
    by anybody's connection while a killed broker is down."""
    first_local = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    ports: list[int] = []
    for port in random.SystemRandom().sample(range(20000, max(first_local, 24000)), 500):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        ports.append(port)
        if len(ports) == count:
            return ports
    raise KafkaError("no free loopback ports")


class Kafka:
    """A KRaft cluster of 1 or 3 nodes, each broker and controller. Not thread-safe."""

    def __init__(self, folder: str | os.PathLike[str], nodes: int = 1):
        self.folder = Path(folder).resolve()
        self.nodes = nodes
        self._processes: list[subprocess.Popen[bytes] | None] = [None] * nodes
        self._state = self.folder / "kafka.json"
        self._ports: list[list[int]] = []  # per node: [client, controller]
        self._cluster_id = ""
        if self._state.exists():
            self._load()

    # -- state

    def _load(self) -> None:
        state = json.loads(self._state.read_text())
        if len(state["ports"]) != self.nodes:
            raise KafkaError(f"{self.folder}: made for {len(state['ports'])} nodes")
        self._ports, self._cluster_id = state["ports"], state["cluster_id"]

    def _create(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        ports = _free_ports(2 * self.nodes)
        self._ports = [ports[2 * i : 2 * i + 2] for i in range(self.nodes)]
        cluster_id = "-"
        while cluster_id.startswith("-"):  # the format tool would take it for an option
            cluster_id = base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")
        self._cluster_id = cluster_id
        jars = fetch()
        for index in range(self.nodes):
            self._properties(index).write_text(self._settings(index))
        formats = [
            self._java(jars, i, "format", "kafka.tools.StorageTool", "format",
                       f"--cluster-id={self._cluster_id}", "-c", str(self._properties(i)))
            for i in range(self.nodes)
        ]  # fmt: skip
        for index, process in enumerate(formats):
            if process.wait(timeout=START_S) != 0:
                raise KafkaError(self._tail("could not format the data folder", index, "format"))
        partial = self._state.with_suffix(".partial")
        partial.write_text(json.dumps({"ports": self._ports, "cluster_id": self._cluster_id}))
        os.replace(partial, self._state)

    def _properties(self, index: int) -> Path:
        return self.folder / f"node{index + 1}.properties"

    def _settings(self, index: int) -> str:
        client, controller = self._ports[index]
        copies = min(self.nodes, 3)
        voters = ",".join(f"{i + 1}@127.0.0.1:{p[1]}" for i, p in enumerate(self._ports))
        settings = {
            "process.roles": "broker,controller",
            "node.id": index + 1,
            "controller.quorum.voters": voters,
            "listeners": f"PLAINTEXT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{client}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": self.folder / f"node{index + 1}.data",
            "auto.create.topics.enable": "false",
            "default.replication.factor": copies,
            "offsets.topic.replication.factor": copies,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": max(1, copies - 1),
            "transaction.state.log.num.partitions": 4,
            "share.coordinator.state.topic.replication.factor": copies,
            "share.coordinator.state.topic.min.isr": max(1, copies - 1),
            "share.coordinator.state.topic.num.partitions": 4,
            "group.initial.rebalance.delay.ms": 0,
            # A static member killed a moment ago must be replaceable in test time.
            "group.min.session.timeout.ms": 1000,
            # Everybody on this private loopback broker may do all; what ACLs say can be read back.
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
            "allow.everyone.if.no.acl.found": "true",
            # The default, 128 MiB, is a third of the heap.
            "log.cleaner.dedupe.buffer.size": 4 * 1024 * 1024,
            "num.network.threads": 2,
            "num.io.threads": 4,
            # After kill -9 the controller refuses the same broker until its old session is over.
            "broker.session.timeout.ms": 2000,
            "broker.heartbeat.interval.ms": 250,
        }
        return "".join(f"{key}={value}\n" for key, value in settings.items())

    # -- processes

    def _java(self, jars: Path, index: int, log: str, *args: str) -> subprocess.Popen[bytes]:
        # setpriv: nobody is left behind when the harness itself is killed. A session of its own: a
        # Ctrl-C on the terminal is for the owner, who then stops things in order.
        command = ["setpriv", "--pdeathsig", "KILL", *JAVA, "-cp", f"{jars}/*", *args]
        with open(self.folder / f"node{index + 1}.{log}.log", "ab") as out:
            return subprocess.Popen(
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True,
            )  # fmt: skip

    def _tail(self, text: str, index: int, log: str = "server") -> str:
        path = self.folder / f"node{index + 1}.{log}.log"
        return f"{text}: {path}\n" + "\n".join(path.read_text().splitlines()[-15:])

    def _launch(self, index: int) -> None:
        process = self._processes[index]
        if process is None or process.poll() is not None:
            self._processes[index] = self._java(
                fetch(), index, "server", "kafka.Kafka", str(self._properties(index))
            )

    def _wait_up(self) -> None:
        deadline = time.monotonic() + START_S
        for index, process in enumerate(self._processes):
            while process is not None:
                if process.poll() is not None:
                    raise KafkaError(self._tail("Kafka ended while starting", index))
                if time.monotonic() > deadline:
                    raise KafkaError(self._tail(f"Kafka is not up after {START_S} s", index))
                try:
                    if _brokers(self._ports[index][0]) >= self._running():
                        break
                except (OSError, struct.error):
                    pass
                time.sleep(0.05)

    def _running(self) -> int:
        return sum(p is not None and p.poll() is None for p in self._processes)

    # -- what users call

    @property
    def port(self) -> int:
        """Of the first node."""
        return self._ports[0][0]

    @property
    def bootstrap(self) -> str:
        return ",".join(f"127.0.0.1:{client}" for client, _ in self._ports)

    @property
    def cluster_id(self) -> str:
        return self._cluster_id

    def pid(self, node: int = 0) -> int | None:
        process = self._processes[node]
        return None if process is None or process.poll() is not None else process.pid

    def start(self) -> Kafka:
        """Returns once every node answers and sees the others."""
        if not self._ports:
            self._create()
        for index in range(self.nodes):
            self._launch(index)
        try:
            self._wait_up()
        except BaseException:
            self.kill9()
            raise
        return self

    def stop(self) -> None:
        """SIGTERM, and SIGKILL to who has not ended after STOP_S."""
        running = [p for p in self._processes if p is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + STOP_S
        for process in running:
            try:
                process.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes = [None] * self.nodes

    def kill9(self, node: int | None = None) -> None:
        """SIGKILL to one node (from 0) or to all; they are gone when this returns."""
        for index in range(self.nodes) if node is None else [node]:
            process = self._processes[index]
            if process is not None:
                process.kill()
                process.wait()
                self._processes[index] = None

    def restart(self) -> Kafka:
        """Stops what runs, then starts everything on the same ports and data."""
        self.stop()
        return self.start()

    def start_node(self, node: int) -> None:
        """One node (from 0) of a cluster, after kill9(node)."""
        self._launch(node)
        self._wait_up()

    def create_topic(
        self, name: str, partitions: int = 1, config: dict[str, str] | None = None
    ) -> None:
        """An existing topic is left as it is. Replicated to min(nodes, 3) brokers."""
        config = config or {}
        body = struct.pack(">i", 1) + _text(name)
        body += struct.pack(">ihi", partitions, min(self.nodes, 3), 0)
        body += struct.pack(">i", len(config))
        body += b"".join(_text(key) + _text(str(value)) for key, value in config.items())
        body += struct.pack(">i?", CALL_S * 1000, False)
        self._topic_call(name, 19, 2, body, has_message=True, fine=36)  # TOPIC_ALREADY_EXISTS

    def delete_topic(self, name: str) -> None:
        """Of a missing topic: nothing."""
        body = struct.pack(">i", 1) + _text(name) + struct.pack(">i", CALL_S * 1000)
        self._topic_call(name, 20, 1, body, has_message=False, fine=3)  # UNKNOWN_TOPIC

    def _topic_call(
        self, name: str, key: int, api_version: int, body: bytes, has_message: bool, fine: int
    ) -> None:
        answer = _call(self._alive_port(), key, api_version, body)
        answer.take("i")  # throttle
        for _ in range(answer.take("i")):
            answer.text()
            code = answer.take("h")
            message = answer.text() if has_message else None
            if code not in (0, fine):
                raise KafkaError(f"topic {name}: Kafka answered {code} {message or ''}".rstrip())

    def _alive_port(self) -> int:
        for index, (client, _) in enumerate(self._ports):
            if self.pid(index) is not None:
                return client
        raise KafkaError("no broker is running")

    def __enter__(self) -> Kafka:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python3 -m tests.support.kafka",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("fetch", help="fetch and check the jars, print their folder")
    run = commands.add_parser("run", help="run until SIGINT or SIGTERM, print the address")
    run.add_argument("--dir", required=True, help="keeps ports, cluster id and data")
    run.add_argument("--nodes", type=int, default=1, choices=(1, 3))
    args = parser.parse_args()
    try:
        if args.command == "fetch":
            print(fetch())
            return 0
        # As Ctrl-C does: leaves by an exception, so that the with block stops the broker.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with Kafka(args.dir, args.nodes) as kafka:
            print(kafka.bootstrap, flush=True)
            while True:
                signal.pause()
    except KeyboardInterrupt:
        return 0
    except KafkaError as error:
        _say(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())
