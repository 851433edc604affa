"""A private PostgreSQL cluster for tests, demo and benches, on a free loopback port.

    with Postgres(folder) as pg:            # or .start() … .stop()
        pg.createdb("kasumori")
        pg.conninfo("kasumori", user="app") # "host=127.0.0.1 port=23456 dbname=kasumori user=app"
        pg.kill9(); pg.restart()            # same port, same data

The folder keeps port and data, so a second Postgres(folder) after stop() or kill9() carries on.
Everybody on this machine may connect as anybody: it listens on loopback only and is for tests. The
server gets SIGINT (a clean stop) when the thread that started it dies, so start it from a thread
that lives as long as the server shall.

From a shell:  python3 -m tests.support.postgres run --dir DIR [--db NAME …]
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.support.paths import free_port

START_S = 60  # the machine may be busy, and recovery after kill9 takes its time
STOP_S = 30
SUPERUSER = "postgres"
PR_SET_PDEATHSIG = 1

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "wal_compression": "lz4",
    "fsync": "on",
    "synchronous_commit": "on",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] %q%u@%d/%a ",
    "log_statement": "none",
    "timezone": "UTC",
}


class PostgresError(RuntimeError):
    pass


def bindir() -> Path:
    """Where initdb and postgres are: Debian keeps them out of PATH."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: -int(p.parent.name))
    found = shutil.which("pg_config")
    if found:
        places.append(Path(subprocess.check_output([found, "--bindir"], text=True).strip()))
    for place in places:
        if (place / "initdb").exists():
            return place
    raise PostgresError("initdb: not found (Debian package postgresql-15)")


def _account() -> pwd.struct_passwd | None:
    """Whom to run as: PostgreSQL refuses root. None: ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresError("running as root, and neither user postgres nor nobody exists")


def _is_open_to_all(folder: Path) -> bool:
    return all(place.stat().st_mode & 0o001 for place in [folder, *folder.parents])


def _stop_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)


def _children(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text()
        except OSError:  # gone meanwhile
            continue
        if int(stat.rpartition(")")[2].split()[1]) == pid:
            found.append(int(entry.name))
    return found


def _is_running(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Postgres:
    def __init__(self, folder: str | os.PathLike[str], settings: dict[str, str] | None = None):
        self.folder = Path(folder).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.settings = SETTINGS | (settings or {})
        self.account = _account()
        self.base = self._base()
        self.data = self.base / "data"
        self.log = self.folder / "postgres.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.socket_dir: Path | None = None
        self.bin = bindir()

    def _base(self) -> Path:
        """The folder itself, or one in /tmp when the server's account cannot get into it."""
        if self.account is None or _is_open_to_all(self.folder):
            return self.folder
        name = hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"ks-pg-{name}"

    # ---- running programs as the account ----

    def _identity(self) -> dict[str, object]:
        if self.account is None:
            return {}
        return {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}

    def _call(self, program: str, *args: str) -> str:
        done = subprocess.run(
            [str(self.bin / program), *args],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/",
            **self._identity(),
        )  # fmt: skip
        if done.returncode != 0:
            raise PostgresError(f"{program}: {done.stdout.strip()[-2000:]}")
        return done.stdout

    # ---- life ----

    @property
    def port(self) -> int:
        file = self.folder / "port"
        if not file.exists():
            file.write_text(f"{free_port()}\n")
        return int(file.read_text())

    @property
    def pid(self) -> int:
        if self.process is None:
            raise PostgresError("not started")
        return self.process.pid

    def _init(self) -> None:
        self.data.mkdir(mode=0o700, parents=True)
        if self.account is not None:
            os.chown(self.data, self.account.pw_uid, self.account.pw_gid)
        self._call(
            "initdb", "--pgdata", str(self.data), "--username", SUPERUSER, "--auth", "trust",
            "--encoding", "UTF8", "--locale", "C.UTF-8", "--data-checksums", "--no-sync",
        )  # fmt: skip

    def start(self) -> Postgres:
        if not (self.data / "PG_VERSION").exists():
            shutil.rmtree(self.data, ignore_errors=True)
            self._init()
        for _ in range(3):
            if self._start_once():
                return self
            if "Address already in use" not in self._log_tail():
                break
            (self.folder / "port").unlink()  # somebody was quicker
        raise PostgresError(f"could not start PostgreSQL, {self.log} ends:\n{self._log_tail()}")

    restart = start

    def _start_once(self) -> bool:
        self.socket_dir = Path(tempfile.mkdtemp(prefix="ks-pg-"))
        if self.account is not None:
            os.chown(self.socket_dir, self.account.pw_uid, self.account.pw_gid)
        settings = self.settings | {
            "port": str(self.port),
            "unix_socket_directories": str(self.socket_dir),
        }
        command = [str(self.bin / "postgres"), "-D", str(self.data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                start_new_session=True, preexec_fn=_stop_with_parent, **self._identity(),
            )  # fmt: skip
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            if self.process.poll() is not None:
                self._forget()
                return False
            if self._is_ready():
                return True
            time.sleep(0.05)
        self.stop()
        return False

    def _is_ready(self) -> bool:
        command = [str(self.bin / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(command).returncode == 0

    def _log_tail(self) -> str:
        return self.log.read_text(errors="replace")[-2000:] if self.log.exists() else ""

    def _forget(self) -> None:
        self.process = None
        if self.socket_dir is not None:
            shutil.rmtree(self.socket_dir, ignore_errors=True)
            self.socket_dir = None

    def stop(self) -> None:
        """A fast, clean stop; an immediate one when that takes too long."""
        if self.process is None:
            return
        for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if self.process.poll() is None:
                self.process.send_signal(how)
            try:
                self.process.wait(STOP_S)
                break
            except subprocess.TimeoutExpired:
                continue
        self._forget()

    def kill9(self) -> None:
        """As a power cut would, for the processes: the postmaster first, or it makes new children."""
        if self.process is None:
            return
        pids = _children(self.process.pid)
        self.process.kill()
        self.process.wait()
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        until = time.monotonic() + STOP_S
        while any(_is_running(pid) for pid in pids):
            if time.monotonic() > until:
                raise PostgresError("a child of the killed server is still there")
            time.sleep(0.01)
        self._forget()

    def destroy(self) -> None:
        """Stops and deletes the data."""
        self.stop()
        shutil.rmtree(self.data, ignore_errors=True)
        if self.base != self.folder:
            shutil.rmtree(self.base, ignore_errors=True)

    def __enter__(self) -> Postgres:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # ---- use ----

    def conninfo(self, dbname: str = "kasumori", user: str = SUPERUSER) -> str:
        return f"host=127.0.0.1 port={self.port} dbname={dbname} user={user}"

    def createdb(self, name: str = "kasumori", template: str = "template0") -> str:
        """Makes a database and returns its conninfo."""
        self._call(
            "createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", SUPERUSER,
            "--template", template, "--encoding", "UTF8", name,
        )  # fmt: skip
        return self.conninfo(name)

    def dropdb(self, name: str) -> None:
        self._call(
            "dropdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", SUPERUSER,
            "--force", "--if-exists", name,
        )  # fmt: skip

    def sql(self, statements: str, dbname: str = "kasumori", user: str = SUPERUSER) -> str:
        """Runs statements in one session, stops at the first error; rows as tab-separated lines."""
        return self._call(
            "psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1",
            "-d", self.conninfo(dbname, user), "-c", statements,
        )  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description="A private PostgreSQL cluster until Ctrl-C.")
    parser.add_argument("command", choices=["run"])
    parser.add_argument("--dir", required=True)
    parser.add_argument("--db", action="append", default=[])
    options = parser.parse_args()
    with Postgres(options.dir) as pg:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        present = pg.sql("select datname from pg_database", "postgres").split()
        for name in options.db:
            if name not in present:
                pg.createdb(name)
        print(pg.conninfo(options.db[0] if options.db else "postgres"), flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
    return 0


if __name__ == "__main__":
    sys.exit(main())
