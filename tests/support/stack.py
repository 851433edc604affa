"""A whole private installation: registry, keys, agents and aggregators as real processes, on a Kafka
and a PostgreSQL that several installations may share. Each has its own database, topics and keys.

    with Servers(folder) as servers, Stack(servers, folder / "one") as stack:
        agent = stack.add_agent("s001")
        stack.add_aggregator()
        agent.client().post_json("/v1/records", {...})
        stack.wait_stored(1)
"""

from __future__ import annotations

import csv
import itertools
import os
import secrets
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psycopg
import yaml

from tests.support.client import Client
from tests.support.kafka import Kafka
from tests.support.keys import Keys
from tests.support.paths import binaries, free_port
from tests.support.postgres import Postgres
from tests.support.process import Process, ProcessError, wait_until

START_S = 60


@dataclass(frozen=True)
class Site:
    site: str
    name: str
    kind: str
    region: str
    trade: str = ""
    address: str = ""
    landmark: str = ""


# Three stores and two call centers; the places are made up.
FIVE_SITES = (
    Site("s001", "本町店", "store", "東京", "スーパー", "東京都架空区本町1-2-3", "本町公園の北側"),
    Site("s002", "港北店", "store", "神奈川", "スーパー", "神奈川県架空市港北4-5", "港北駅の東口"),
    Site(
        "s003", "大宮店", "store", "埼玉", "ドラッグストア", "埼玉県架空市大宮6-7", "消防署の向かい"
    ),
    Site("c001", "東京お客様センター", "call_center", "東京", "コールセンター"),
    Site("c002", "大阪お客様センター", "call_center", "大阪", "コールセンター"),
)


class Servers:
    """One Kafka and one PostgreSQL. Start and use it from one thread, the one that lives longest."""

    def __init__(self, folder: Path, kafka_nodes: int = 1, postgres: dict[str, str] | None = None):
        self.folder = folder
        self.kafka = Kafka(folder / "kafka", nodes=kafka_nodes)
        self.postgres = Postgres(folder / "postgres", settings=postgres)

    def start(self) -> Servers:
        try:
            self.kafka.start()
            self.postgres.start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        try:
            self.kafka.stop()
        finally:
            self.postgres.stop()

    def __enter__(self) -> Servers:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class Service(Process):
    """A process with an HTTP side that answers /readyz."""

    def __init__(self, name: str, argv: list[str | Path], log: Path, port: int):
        super().__init__(name, argv, log)
        self.port = port

    def client(self, wait_s: float = 30.0) -> Client:
        return Client(self.port, wait_s=wait_s)

    def status(self, path: str = "/readyz") -> int:
        """0: no answer."""
        client = self.client(wait_s=2)
        try:
            return client.get(path).status
        except Exception:
            return 0
        finally:
            client.close()

    def wait_ready(self, wait_s: float = START_S) -> None:
        def is_ready() -> bool:
            if not self.is_alive():
                raise ProcessError(
                    f"{self.name}: ended with {self.returncode} while starting\n{self.log_tail()}"
                )
            return self.status() == 200

        try:
            wait_until(is_ready, f"{self.name} ready", wait_s, every_s=0.02)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.log_tail()}") from None

    def metric(self, name: str) -> float:
        """The sum over all label sets of a metric."""
        total, is_found = 0.0, False
        client = self.client()
        try:
            text = client.get("/metrics").text
        finally:
            client.close()
        for line in text.splitlines():
            head, _, value = line.rpartition(" ")
            if head == name or head.startswith(name + "{"):
                total, is_found = total + float(value), True
        if not is_found:
            raise KeyError(f"{self.name}: no metric {name}")
        return total


class Agent(Service):
    def __init__(self, stack: Stack, site: str, name: str, config: Path, settings: dict):
        self.site, self.config, self.settings = site, config, settings
        self.spool = Path(settings["spool"]["dir"])
        self.unix = Path(settings["http"]["unix"])
        argv = [stack.program("kasumori-agent"), "--config", config]
        super().__init__(name, argv, stack.folder / f"{name}.log", settings["http"]["port"])


class Aggregator(Service):
    def __init__(self, stack: Stack, name: str, config: Path, settings: dict):
        self.config, self.settings = config, settings
        argv = [stack.program("kasumori-aggregator"), "--config", config]
        super().__init__(name, argv, stack.folder / f"{name}.log", settings["http"]["port"])


class Monitor(Service):
    def __init__(self, stack: Stack, config: Path, settings: dict):
        self.config, self.settings = config, settings
        argv = [stack.program("kasumori-monitor"), "--config", config]
        super().__init__("monitor", argv, stack.folder / "monitor.log", settings["http"]["port"])


class Stack:
    _numbers = itertools.count(1)

    def __init__(
        self,
        servers: Servers,
        folder: Path,
        tenant: str = "acme",
        sites: Iterable[Site] = FIVE_SITES,
        partitions: int = 4,
        lanes: int = 2,
    ):
        self.servers, self.folder, self.tenant = servers, folder, tenant
        self.sites = tuple(sites)
        self.partitions, self.lanes = partitions, lanes
        number = next(Stack._numbers)
        self.database = f"ks_{os.getpid()}_{number}"
        prefix = f"t{os.getpid()}x{number}"
        self.topic_records = f"{prefix}.kasumori.records.v1"
        self.topic_health = f"{prefix}.kasumori.health.v1"
        self.topic_alerts = f"{prefix}.kasumori.alerts.v1"
        self.topic_watch = f"{prefix}.kasumori.watch.v1"
        self.keys_dir = folder / "keys"
        self.agents: dict[str, Agent] = {}
        self.aggregators: dict[str, Aggregator] = {}
        self.monitor: Monitor | None = None

    # -- parts

    def program(self, name: str) -> Path:
        path = binaries() / name
        if not path.exists():
            raise ProcessError(f"{path}: not built")
        return path

    @property
    def conninfo(self) -> str:
        """As the cluster's superuser."""
        return self.servers.postgres.conninfo(self.database)

    @property
    def keys(self) -> Keys:
        return Keys.load(self.keys_dir, self.tenant)

    def cli(self, *args: str | Path, is_ok: bool = True) -> subprocess.CompletedProcess[str]:
        """The operator's command. With is_ok a failure raises, with what it said."""
        done = subprocess.run(
            [str(self.program("kasumori")), *map(str, args)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        if is_ok and done.returncode != 0:
            raise ProcessError(
                f"kasumori {' '.join(map(str, args[:2]))}: exit {done.returncode}\n"
                f"{done.stdout}{done.stderr}"
            )
        return done

    def db_cli(self, *args: str | Path, is_ok: bool = True) -> subprocess.CompletedProcess[str]:
        """The operator's command on this installation's database."""
        return self.cli(*args, "--database", self.conninfo, is_ok=is_ok)

    # -- set-up

    def create(self) -> Stack:
        """Database, schema, roles, sites, keys and topics; no process yet."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.servers.postgres.createdb(self.database)
        self.db_cli("migrate")
        self._create_logins()
        sites = self.folder / "sites.csv"
        self._write_sites(sites)
        self.db_cli("site", "import", sites, "--tenant", self.tenant)
        self.cli("keygen", "--keys", self.keys_dir, "--tenant", self.tenant)
        self.create_topics()
        return self

    def _create_logins(self) -> None:
        """Services run as login roles with exactly their group's rights, as in production."""
        with self.connect() as db, db.transaction():
            db.execute("select pg_advisory_xact_lock(7001)")  # roles belong to the cluster
            for name in ("aggregator", "monitor"):
                login = f"ks_{name}_login"
                if not db.execute("select 1 from pg_roles where rolname = %s", (login,)).fetchone():
                    db.execute(f"create role {login} login in role kasumori_{name}")

    def _write_sites(self, path: Path) -> None:
        columns = (
            "site name kind trade region address landmark valid_from valid_to merged_into".split()
        )
        with open(path, "w", newline="") as out:
            rows = csv.DictWriter(out, columns)
            rows.writeheader()
            for site in self.sites:
                rows.writerow(
                    {
                        "site": site.site,
                        "name": site.name,
                        "kind": site.kind,
                        "trade": site.trade,
                        "region": site.region,
                        "address": site.address,
                        "landmark": site.landmark,
                        "valid_from": "2020-01-01T00:00:00+09:00",
                    }
                )

    def create_topics(self) -> None:
        stamp = {"message.timestamp.type": "LogAppendTime"}
        kafka = self.servers.kafka
        kafka.create_topic(self.topic_records, self.partitions, stamp)
        kafka.create_topic(self.topic_health, 1, {**stamp, "cleanup.policy": "compact"})
        kafka.create_topic(self.topic_alerts, 1, stamp)
        kafka.create_topic(self.topic_watch, 1, {**stamp, "cleanup.policy": "compact"})

    def make_bundle(self, site: str, name: str) -> Path:
        """Registers the agent; the file is what would be carried to the site."""
        path = self.folder / f"{name}.bundle.yaml"
        self.db_cli(
            "agent", "add", "--tenant", self.tenant, "--site", site, "--agent", name,
            "--keys", self.keys_dir, "--brokers", self.servers.kafka.bootstrap,
            "--topic-records", self.topic_records, "--topic-health", self.topic_health,
            "--out", path,
        )  # fmt: skip
        return path

    def add_agent(
        self, site: str, name: str | None = None, start: bool = True, **changes: object
    ) -> Agent:
        name = name or f"{site}-a"
        bundle = self.make_bundle(site, name)
        run = self.folder / name
        run.mkdir(exist_ok=True)
        roster = run / "roster.txt"
        roster.write_text("佐藤花子\n鈴木一郎\n")
        settings = {
            "bundle": str(bundle),
            "spool": {"dir": str(run / "spool"), "segment_size": "4MiB"},
            "http": {"address": "127.0.0.1", "port": free_port(), "unix": str(run / "http.sock")},
            "roster_file": str(roster),
            "asterisk": [{"name": "pbx1", "utc_offset": "+09:00"}],
            "heartbeat_every": "1s",
        }
        settings.update(changes)
        config = run / "agent.yaml"
        config.write_text(yaml.safe_dump(settings, sort_keys=False))
        agent = Agent(self, site, name, config, settings)
        self.agents[name] = agent
        if start:
            agent.start()
            agent.wait_ready()
        return agent

    def add_aggregator(self, name: str = "a1", start: bool = True, **changes: object) -> Aggregator:
        run = self.folder / name
        run.mkdir(exist_ok=True)
        settings = {
            "database": self.servers.postgres.conninfo(self.database, user="ks_aggregator_login"),
            "kafka": {"brokers": self.servers.kafka.bootstrap},
            "topic_records": self.topic_records,
            "topic_health": self.topic_health,
            "topic_alerts": self.topic_alerts,
            "topic_watch": self.topic_watch,
            "group": f"{self.database}-aggregator",
            "instance_id": name,
            "lanes": self.lanes,
            "mac_master_key_file": str(self.keys_dir / "mac-master.key"),
            "http": {"address": "127.0.0.1", "port": free_port()},
        }
        settings.update(changes)
        config = run / "aggregator.yaml"
        config.write_text(yaml.safe_dump(settings, sort_keys=False))
        aggregator = Aggregator(self, name, config, settings)
        self.aggregators[name] = aggregator
        if start:
            aggregator.start()
            aggregator.wait_ready()
        return aggregator

    def add_account(self, account: str, role: str, password: str, *sites: str) -> None:
        """Somebody who may sign in at the monitor; no site: all."""
        file = self.folder / f"{account}.password"
        file.touch(mode=0o600)
        file.write_text(password + "\n")
        args = ["--tenant", self.tenant, "--account", account, "--role", role]
        if sites:
            args += ["--sites", ",".join(sites)]
        self.db_cli("account", "add", *args, "--password-file", file)

    def add_monitor(self, start: bool = True, **changes: object) -> Monitor:
        settings = {
            "database": self.servers.postgres.conninfo(self.database, user="ks_monitor_login"),
            "http": {"address": "127.0.0.1", "port": free_port()},
        }
        settings.update(changes)
        config = self.folder / "monitor.yaml"
        config.write_text(yaml.safe_dump(settings, sort_keys=False))
        self.monitor = Monitor(self, config, settings)
        if start:
            self.monitor.start()
            self.monitor.wait_ready()
        return self.monitor

    def add_accounts(self) -> dict[str, str]:
        """One account of each of the monitor's roles, named after it: account to random password."""
        made = {}
        for role in ("headquarters", "supervisor", "site", "privacy", "admin"):
            made[role] = secrets.token_urlsafe(12)
            sites = [self.sites[0].site] if role in ("supervisor", "site") else []
            self.add_account(role, role, made[role], *sites)
        return made

    # -- looking

    def connect(self) -> psycopg.Connection:
        """Autocommit, UTC, as the superuser."""
        return psycopg.connect(self.conninfo, autocommit=True, options="-c timezone=UTC")

    def query(self, sql: str, *args: object) -> list[tuple]:
        with self.connect() as db:
            return db.execute(sql, args).fetchall()

    def value(self, sql: str, *args: object) -> object:
        return self.query(sql, *args)[0][0]

    def stored(self) -> int:
        return int(self.value("select count(*) from kasumori.record"))

    def wait_stored(self, count: int, wait_s: float = 30.0) -> None:
        wait_until(lambda: self.stored() >= count, f"{count} records stored", wait_s)

    def position(self) -> int:
        """How many messages of the records topic are accounted for."""
        return int(
            self.value(
                "select coalesce(sum(next_offset), 0) from kasumori.kafka_offset where topic = %s",
                self.topic_records,
            )
        )

    def wait_drained(self, wait_s: float = 60.0) -> float:
        """Until every spool is empty and every message in the topic is accounted for. Seconds taken."""
        from tests.support.topic import high_watermarks

        started = time.monotonic()
        for agent in self.agents.values():
            if agent.is_alive():
                wait_until(
                    lambda agent=agent: agent.metric("kasumori_agent_spool_undelivered") == 0,
                    f"{agent.name} drained",
                    wait_s,
                )
        end = sum(high_watermarks(self.servers.kafka.bootstrap, self.topic_records).values())
        wait_until(lambda: self.position() >= end, f"{end} messages accounted for", wait_s)
        return time.monotonic() - started

    # -- end

    def services(self) -> list[Service]:
        monitors = [] if self.monitor is None else [self.monitor]
        return [*self.agents.values(), *self.aggregators.values(), *monitors]

    def stop(self) -> None:
        """Agents first, so that what they hold still goes out; everything is gone afterwards."""
        problems = []
        for service in self.services():
            was_alive = service.is_alive()
            try:
                code = service.stop()
                if was_alive and code != 0:  # a leak found by LeakSanitizer, too
                    problems.append(f"{service.name}: exit {code}\n{service.log_tail()}")
            except TimeoutError as error:
                problems.append(str(error))
        if problems:
            raise ProcessError("\n".join(problems))

    def kill9(self) -> None:
        for service in self.services():
            service.kill9()

    def __enter__(self) -> Stack:
        try:
            return self.create()
        except BaseException:
            self.kill9()
            raise

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.stop()
        else:
            self.kill9()
