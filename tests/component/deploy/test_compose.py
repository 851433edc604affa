"""No container engine is needed: every service of docker-compose.yml is run as that file says (its
command, its mounted files, its environment, its health check, as root also its user) with container
paths, host names and ports put in place by substitution, and one record goes the whole way.

PostgreSQL is set up with the steps of its image's entry point; Kafka's scripts are stand-ins that
call the same classes of the same version."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.component.deploy import compose
from tests.support import kafka as kafka_support
from tests.support.client import Client
from tests.support.paths import ROOT, binaries, free_port
from tests.support.postgres import Postgres, bindir
from tests.support.process import Process, ProcessError, wait_until

HEALTHY_S = 120
IS_ROOT = os.geteuid() == 0
# How the real thing would be too large for a test; the rest of postgresql.conf is used as it is.
SMALLER = {"shared_buffers": "64MB", "max_wal_size": "256MB"}
PROGRAMS = {"cli": "kasumori"}
CLASSES = {
    "kafka-storage.sh": "kafka.tools.StorageTool",
    "kafka-server-start.sh": "kafka.Kafka",
    "kafka-broker-api-versions.sh": "org.apache.kafka.tools.BrokerApiVersionsCommand",
}


class Cluster(Postgres):
    """A PostgreSQL made as the image's entry point makes it: password, rights, one database."""

    def __init__(self, folder: Path, installation: Installation):
        service = installation.compose.services["postgres"]
        super().__init__(folder)
        self.installation, self.service = installation, service
        argv = installation.argv(service)
        assert argv[0] == "postgres"
        given = [argv[i + 1] for i, word in enumerate(argv) if word == "-c"]
        self.settings = dict(pair.split("=", 1) for pair in given)
        self.settings |= SMALLER | {"listen_addresses": "127.0.0.1"}

    def _init(self) -> None:
        environment = self.installation.environment(self.service)
        self.data.mkdir(mode=0o700, parents=True)
        if self.account is not None:
            os.chown(self.data, self.account.pw_uid, self.account.pw_gid)
        # Peer wants the account to be named postgres; it decides about the local socket only.
        arguments = environment["POSTGRES_INITDB_ARGS"].replace("=peer", "=trust").split()
        assert "--auth-host=scram-sha-256" in arguments
        self._call(
            "initdb", "--pgdata", str(self.data), "--username", environment["POSTGRES_USER"],
            "--pwfile", environment["POSTGRES_PASSWORD_FILE"], "--no-sync", *arguments,
        )  # fmt: skip
        with open(self.data / "pg_hba.conf", "a") as rules:
            rules.write("host all all all scram-sha-256\n")

    def run_entry_script(self, script: Path) -> None:
        environment = self.installation.environment(self.service)
        done = subprocess.run(
            ["bash", str(script)],
            env=environment
            | {
                "PATH": f"{self.bin}:{os.environ['PATH']}",
                "PGHOST": str(self.socket_dir),
                "PGPORT": str(self.port),
            },
            capture_output=True, text=True, timeout=60, **self._identity(),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    def create_database(self) -> None:
        environment = self.installation.environment(self.service)
        self._call(
            "createdb", "-h", str(self.socket_dir), "-p", str(self.port),
            "-U", environment["POSTGRES_USER"], environment["POSTGRES_DB"],
        )  # fmt: skip


class Installation:
    """The folder that stands for the machine: project/ beside docker-compose.yml, one folder for
    each service in place of its container's own files."""

    def __init__(self, base: Path):
        self.base = base
        self.project = base / "project"
        self.project.mkdir(parents=True)
        shutil.copytree(ROOT / "deploy", self.project / "deploy")
        self.ports = {port: free_port() for port in (5432, 9092, 9093, 9094, 8470, 8471, 8472)}
        self.processes: dict[str, Process] = {}
        self._make_secrets()
        variables = dict(
            line.split("=", 1) for line in (self.project / ".env").read_text().splitlines()
        )
        self.compose = compose.load(variables)
        self._install_programs()
        self._install_kafka()
        self.postgres = Cluster(base / "cluster", self)
        (self.postgres.folder / "port").write_text(f"{self.ports[5432]}\n")

    # -- making

    def _account_uid(self) -> int:
        account = Postgres(self.base / "cluster").account
        return account.pw_uid if account else os.geteuid()

    def _make_secrets(self) -> None:
        env = os.environ | {"POSTGRES_UID": str(self._account_uid())}
        if not IS_ROOT:
            env["KASUMORI_UID"] = str(os.geteuid())
        script = self.project / "deploy/docker/secrets.sh"
        for _ in range(2):  # again: nothing changes
            made = subprocess.run(
                [script, self.project], env=env, capture_output=True, text=True, check=True
            ).stdout
        assert made == ""
        # A container enters at the mounted file; here the folders above are in the way.
        (self.project / "secrets").chmod(0o711)

    def _install_programs(self) -> None:
        self.bin = self.base / "usr/local/bin"
        self.bin.mkdir(parents=True)
        for name in ("kasumori", "kasumori-agent", "kasumori-aggregator", "kasumori-monitor"):
            shutil.copy2(binaries() / name, self.bin / name)

    def _install_kafka(self) -> None:
        self.kafka_bin = self.base / "opt/kafka/bin"
        self.kafka_bin.mkdir(parents=True)
        java = " ".join(kafka_support.JAVA).replace("$", "\\$")
        for name, java_class in CLASSES.items():
            script = self.kafka_bin / name
            script.write_text(
                f'#!/bin/sh\nexec {java} -cp "{kafka_support.fetch()}/*" {java_class} "$@"\n'
            )
            script.chmod(0o755)

    # -- substitution

    def _image_files(self, service: compose.Service) -> dict[str, Path]:
        """What COPY puts into the image, as container path to place."""
        found = {"/usr/local/bin": self.bin, "/opt/kafka/bin": self.kafka_bin}
        for sources, target, other in service.stage.copies if service.stage else []:
            if other is None:
                folder = self.base / "image" / target.strip("/")
                folder.mkdir(parents=True, exist_ok=True)
                for source in sources:
                    shutil.copy2(ROOT / source, folder)
                found[target.rstrip("/")] = folder
        return found

    def _paths(self, service: compose.Service) -> dict[str, Path]:
        own = self.base / service.name
        places = self._image_files(service)
        for name in service.settings.get("secrets", []):
            places[f"/run/secrets/{name}"] = self.project / self.compose.secrets[name]
        for target in service.volumes:
            place = own / target.strip("/")
            if not place.exists():
                place.mkdir(parents=True)
                if IS_ROOT and service.stage:
                    os.chown(place, service.uid, service.uid)
            places[target] = place
        for target in service.binds:
            places[target] = own / target.strip("/")
        return places

    def here(self, service: compose.Service, text: str) -> str:
        """The text with what means something in the container put as it is here."""
        for target, place in sorted(self._paths(service).items(), key=lambda p: -len(p[0])):
            text = text.replace(target, str(place))
        text = re.sub(r"\bhost=postgres\b", f"host=127.0.0.1 port={self.ports[5432]}", text)
        text = re.sub(r"\bpostgres:(?=5432:)|\bkafka:(?=909)", "127.0.0.1:", text)
        text = text.replace("0.0.0.0", "127.0.0.1").replace("://:", "://127.0.0.1:")
        for port, ours in self.ports.items():
            text = re.sub(rf"((?:127\.0\.0\.1:|port: )){port}\b", rf"\g<1>{ours}", text)
        return text

    def mount(self, service: compose.Service) -> None:
        for target, source in service.binds.items():
            place = self.base / service.name / target.strip("/")
            if (self.project / source).is_dir():
                if not place.exists():
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.symlink_to(self.project / source)
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(self.here(service, (self.project / source).read_text()))
        for name in service.settings.get("secrets", []):
            self._put_secret_in_place(service, self.project / self.compose.secrets[name])

    def _put_secret_in_place(self, service: compose.Service, path: Path) -> None:
        """Host names and ports stand in pgpass files and in the bundle, too."""
        text = path.read_text()
        path.write_text(self.here(service, text))  # owner and mode stay

    def argv(self, service: compose.Service, *extra: str) -> list[str]:
        argv = [*service.argv[:1], *extra] if extra else service.argv
        return [self.here(service, word) for word in argv]

    def environment(self, service: compose.Service) -> dict[str, str]:
        found = {name: self.here(service, text) for name, text in service.environment.items()}
        if found.get("PGHOST") == "postgres":
            found |= {"PGHOST": "127.0.0.1", "PGPORT": str(self.ports[5432])}
        return found

    def _as_its_user(self, service: compose.Service, argv: list[str]) -> list[str]:
        """As the image's user and without any right, where we may change users."""
        if not IS_ROOT or service.stage is None:
            return argv
        return [
            "setpriv", "--reuid", str(service.uid), "--regid", str(service.uid), "--clear-groups",
            "--bounding-set=-all", "--no-new-privs", "--pdeathsig", "KILL", *argv,
        ]  # fmt: skip

    # -- running

    def run(self, name: str, *extra: str, is_ok: bool = True) -> subprocess.CompletedProcess[str]:
        """docker compose run NAME [EXTRA …]"""
        service = self.compose.services[name]
        self.mount(service)
        done = subprocess.run(
            self._as_its_user(service, self.argv(service, *extra)),
            env={"PATH": os.environ["PATH"]} | self.environment(service),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, cwd=self.base,
        )  # fmt: skip
        assert done.returncode == 0 or not is_ok, done.stdout + done.stderr
        return done

    def start(self, name: str) -> Process:
        service = self.compose.services[name]
        self.mount(service)
        process = Process(
            name,
            self._as_its_user(service, self.argv(service)),
            self.base / f"{name}.log",
            self.environment(service),
        )
        self.processes[name] = process
        process.start()
        return process

    def is_healthy(self, name: str) -> bool:
        service = self.compose.services[name]
        argv = [self.here(service, word) for word in service.health]
        if name == "postgres":
            argv = [str(bindir() / argv[0]), *argv[1:], "-p", str(self.ports[5432])]
        done = subprocess.run(self._as_its_user(service, argv), capture_output=True, timeout=60)
        return done.returncode == 0

    def wait_healthy(self, name: str) -> None:
        process = self.processes.get(name)

        def is_well() -> bool:
            if process is not None and not process.is_alive():
                raise ProcessError(f"{name}: ended with {process.returncode}\n{process.log_tail()}")
            return self.is_healthy(name)

        try:
            wait_until(is_well, f"{name} is healthy", HEALTHY_S, every_s=0.2)
        except TimeoutError as error:
            tail = process.log_tail() if process else ""
            raise TimeoutError(f"{error}\n{tail}") from None

    def connect(self) -> psycopg.Connection:
        password = (self.project / "secrets/postgres_password").read_text()
        return psycopg.connect(
            f"host=127.0.0.1 port={self.ports[5432]} dbname=kasumori user=postgres",
            password=password, autocommit=True,
        )  # fmt: skip

    def destroy(self) -> None:
        for process in reversed(self.processes.values()):
            process.kill9()
        self.postgres.destroy()
        shutil.rmtree(self.base, ignore_errors=True)


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    base = Path(tempfile.mkdtemp(prefix="ks-deploy-"))
    base.chmod(0o755)  # services run as users of their own
    made = None
    try:
        made = Installation(base)
        yield made
    finally:
        if made is not None:
            made.destroy()
        shutil.rmtree(base, ignore_errors=True)


def test_headquarters_and_a_site_come_up_and_a_record_goes_the_whole_way(
    installation: Installation,
) -> None:
    here = installation
    services = here.compose.services

    # In the order of depends_on and of deploy/README.md.
    here.start("kafka")
    here.mount(services["postgres"])
    here.postgres.start()
    here.postgres.create_database()
    logins = here.base / "postgres/docker-entrypoint-initdb.d/logins.sh"
    here.postgres.run_entry_script(logins)
    here.wait_healthy("postgres")
    here.wait_healthy("kafka")

    said = here.run("migrate").stdout
    assert "applied 0001" in said
    assert "applied" not in here.run("migrate").stdout
    here.postgres.run_entry_script(logins)  # again, as after a change of passwords
    assert here.run("topics").stdout.count(": created") == 4
    assert ": created" not in here.run("topics").stdout

    here.run("operator", "keygen", "--keys", "/keys", "--tenant", "acme")
    for name in ("aggregator", "monitor"):
        here.start(name)
    for name in ("aggregator", "monitor"):
        here.wait_healthy(name)

    sites = here.base / "sites.csv"
    sites.write_text(
        "site,name,kind,trade,region,address,landmark,valid_from,valid_to,merged_into\n"
        "s001,本町店,store,,東京,,,2020-01-01T00:00:00+09:00,,\n"
    )
    here.run("operator", "site", "import", str(sites), "--tenant", "acme")
    here.run(
        "operator", "agent", "add", "--tenant", "acme", "--site", "s001", "--agent", "s001-a",
        "--keys", "/keys", "--brokers", "127.0.0.1:9094", "--out", "/keys/agent.bundle.yaml",
    )  # fmt: skip

    here.start("agent")
    here.wait_healthy("agent")
    client = Client(here.ports[8470])
    answer = client.post_json(
        "/v1/records",
        {
            "site": "s001",
            "occurredStartUs": int(time.time() * 1_000_000),
            "channel": "face_to_face",
            "direction": "inbound",
            "persons": [
                {
                    "role": "subject",
                    "identifiers": [
                        {"kind": "phone", "assurance": "confirmed", "value": "090-1234-5678"}
                    ],
                }
            ],
            "contact": {},
        },
    )
    client.close()
    assert answer.status == 201, answer.text
    with here.connect() as db:
        question = "select record_id::text from kasumori.record"
        wait_until(lambda: db.execute(question).fetchone(), "the record is stored", 60)
        assert db.execute(question).fetchall() == [(answer.json()["recordId"],)]

        def beat() -> object:
            return db.execute("select 1 from kasumori.agent_health").fetchone()

        wait_until(beat, "the agent's heartbeat is stored", 90)
    metrics = Client(here.ports[8472])

    def is_on_the_board() -> object:
        text = metrics.get("/metrics").text
        return re.search(r"^kasumori_agents 1$", text, re.M) and re.search(
            r"^kasumori_agents_silent 0$", text, re.M
        )

    wait_until(is_on_the_board, "the monitor counts the agent as alive", 30)
    metrics.close()

    # Stop as docker compose down does: dependants first, each within its grace period.
    for name in ("agent", "monitor", "aggregator", "kafka"):
        code = here.processes[name].stop(services[name].stop_s)
        assert code == 0 or (name == "kafka" and code == 143), (name, code)


def test_a_health_check_fails_when_its_service_is_away(installation: Installation) -> None:
    for name in ("agent", "monitor", "aggregator"):
        process = installation.processes.get(name)
        assert process is not None and not process.is_alive()
        assert not installation.is_healthy(name)


def test_secrets_are_only_for_who_reads_them(installation: Installation) -> None:
    for name, service in installation.compose.services.items():
        for secret in service.settings.get("secrets", []):
            state = (installation.project / installation.compose.secrets[secret]).stat()
            assert state.st_mode & 0o077 == 0, (name, secret)
            if IS_ROOT and name != "postgres":
                assert state.st_uid == service.uid, (name, secret)


def test_no_password_is_in_a_log(installation: Installation) -> None:
    secrets = installation.project / "secrets"
    passwords = [path.read_text() for path in secrets.glob("*_password")]
    assert len(passwords) == 3
    logs = [*installation.base.glob("*.log"), installation.postgres.log]
    for log in logs:
        text = log.read_text(errors="replace")
        assert not any(password in text for password in passwords), log
