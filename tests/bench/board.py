"""P6: from an agent's answer to the event on the board, at 1,000 records a second through the whole
chain, and where on the way the time goes. P9c: what the monitor holds while 200 boards listen."""

from __future__ import annotations

import bisect
import json
import re
import socket
import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.analytics import percentile
from tests.bench.headquarters import sign_in, start_monitor
from tests.e2e.conftest import make_report
from tests.support.client import Client
from tests.support.stack import Servers, Stack

STREAMS, SENDERS, SETTLE_S = 200, 4, 5
WARM_S = 2  # sent and not counted: each connection plans its statements once

# When each transaction committed, for its leg; costs a few bytes a transaction.
POSTGRES = {"track_commit_timestamp": "on"}
STORED_SQL = """
    select record_id::text, extract(epoch from appended_at)::float8,
           extract(epoch from pg_xact_commit_timestamp(xmin))::float8
    from kasumori.record"""
POLL_LINE = re.compile(
    r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+) UTC .*duration: ([0-9.]+) ms  execute events:"
)


class Listener:
    """A board: reads events in a thread of its own, keeps when each record came, and comes back with the
    last id it saw when it was dropped, as browsers do."""

    def __init__(self, port: int, cookie: str):
        self.port, self.cookie, self.last_id = port, cookie, ""
        self.came: dict[str, float] = {}
        self.dropped = 0
        self.is_live = threading.Event()  # it has heard something
        self.is_closed = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self._open()

    def _open(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        resumed = f"Last-Event-ID: {self.last_id}\r\n" if self.last_id else ""
        self.socket.sendall(
            f"GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {self.cookie}\r\n"
            f"{resumed}\r\n".encode()
        )
        self.file = self.socket.makefile("rb")
        status = self.file.readline()
        if b" 200 " not in status:
            raise RuntimeError(f"/v1/events: {status!r}")

    def _read(self) -> None:
        for line in self.file:
            if line.startswith(b"event:"):
                self.is_live.set()
            if line.startswith(b"id:"):
                self.last_id = line[3:].strip().decode()
            elif line.startswith(b"data:") and b'"recordId"' in line:
                self.came.setdefault(json.loads(line[5:])["recordId"], time.time())

    def _run(self) -> None:
        while not self.is_closed:
            try:
                self._read()
                if not self.is_closed:
                    self.dropped += 1
                    self._open()
            except (OSError, ValueError):
                time.sleep(0.1)

    def close(self) -> None:
        self.is_closed = True
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def _send(port: int, sender: int, rate: float, until: float, answered: dict[str, float]) -> None:
    """Ten records a request, at a steady rate; keeps when each was answered."""
    client = Client(port)
    next_at = time.monotonic() + sender * 10 / rate / SENDERS
    number = 0
    while next_at < until:
        time.sleep(max(0.0, next_at - time.monotonic()))
        lines = []
        for _ in range(10):
            report = make_report(worker=f"s001-w{number % 30:03d}")
            phone = f"090-{sender}{number // 10_000 % 1000:03d}-{number % 10_000:04d}"
            report["persons"][0]["identifiers"][0]["value"] = phone
            lines.append(report)
            number += 1
        answer = client.post_lines("/v1/records", lines)
        at = time.time()
        for result in answer.json()["results"]:
            answered[result["recordId"]] = at
        next_at += 10 * SENDERS / rate
    client.close()


def _polls(log: Path) -> list[tuple[float, float]]:
    """Start and end of each of the monitor's polls, as the server's log has them."""
    found = []
    for line in log.read_text(errors="replace").splitlines():
        if match := POLL_LINE.match(line):
            at = datetime.fromisoformat(match[1]).replace(tzinfo=UTC).timestamp()
            found.append((at - float(match[2]) / 1000, at))
    return sorted(found)


def _spread(seconds: Iterable[float]) -> dict[str, float]:
    ms = [one * 1000 for one in seconds]
    return {
        "p50_ms": round(percentile(ms, 0.5), 1),
        "p99_ms": round(percentile(ms, 0.99), 1),
        "max_ms": round(max(ms), 1),
    }


def _legs(
    stack: Stack, log: Path, answered: dict[str, float], came: dict[str, float]
) -> dict[str, dict[str, float]]:
    """The way of each record that came. The answer and the way to Kafka begin together, so the first leg
    may be less than nothing; the broker's time is in whole milliseconds."""
    stored = {row[0]: row[1:] for row in stack.query(STORED_SQL)}
    since, until = min(answered.values()), max(answered.values())
    polls = [poll for poll in _polls(log) if poll[0] >= since]
    starts, legs = [start for start, _ in polls], []
    for name in answered.keys() & came.keys() & stored.keys():
        appended, committed = stored[name]
        at = bisect.bisect_left(starts, committed)
        if at < len(polls):
            start, end = polls[at]
            legs.append((answered[name], appended, committed, start, end, came[name]))
    names = ("answer_to_kafka", "kafka_to_commit", "commit_to_poll", "poll", "poll_to_board")
    found = {
        name: _spread(leg[i + 1] - leg[i] for leg in legs) for i, name in enumerate(names) if legs
    }
    commits = {stored[name][1] for name in answered.keys() & stored.keys()}
    polls = [poll for poll in polls if poll[0] <= until]
    found["each_second"] = {
        "commits": round(len(commits) / (until - since)),
        "polls": round(len(polls) / (until - since)),
        "poll_ms": round(1000 * sum(end - start for start, end in polls) / (until - since)),
    }
    return found


def run(folder: Path, say, rate: int = 1_000, seconds: int = 20) -> dict:
    with (
        Servers(folder / "servers", postgres=POSTGRES) as servers,
        Stack(servers, folder / "stack") as stack,
    ):
        with stack.connect() as db:
            db.execute("alter role ks_monitor_login set log_min_duration_statement = 0")
        agent = stack.add_agent("s001")
        stack.add_aggregator()
        monitor = start_monitor(stack)
        board = Listener(monitor.port, sign_in(stack))
        board.thread.start()
        board.is_live.wait(30)
        say(f"P6: {rate} records a second for {seconds} s, one board")
        sent: dict[str, float] = {}
        warm_until, until = time.time() + WARM_S, time.monotonic() + WARM_S + seconds
        senders = [
            threading.Thread(target=_send, args=(agent.port, n, rate, until, sent))
            for n in range(SENDERS)
        ]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        stack.wait_stored(len(sent), 60)
        until = time.monotonic() + SETTLE_S
        while len(board.came) < len(sent) and time.monotonic() < until:
            time.sleep(0.1)
        # What a board that was dropped never saw counts as late as this.
        never = time.time()
        took = {name: board.came.get(name, never) - at for name, at in sent.items()}
        missed = len(sent) - sum(name in board.came for name in sent)
        board.close()
        answered = {name: at for name, at in sent.items() if at >= warm_until}
        legs = _legs(stack, servers.postgres.log, answered, board.came)
    whole = _spread(took[name] for name in answered)
    for name, figures in legs.items():
        say(f"    {name:<16}{'  '.join(f'{key} {value}' for key, value in figures.items())}")
    say(f"    {'whole':<16}{'  '.join(f'{key} {value}' for key, value in whole.items())}")
    return {
        "value": whole["p99_ms"],
        "limit": None,
        "ratio": None,
        "runs": 1,
        "conditions": {
            "records": len(answered),
            "rate": round(len(answered) / seconds),
            "p50_ms": whole["p50_ms"],
            "max_ms": whole["max_ms"],
            "max_with_warm_up_ms": _spread(took.values())["max_ms"],
            "missed": missed,
            "dropped": board.dropped,
            "legs": legs,
        },
    }


def run_streams(stack: Stack, say) -> dict:
    monitor = start_monitor(stack, connections_per_peer=STREAMS + 16)
    cookie = sign_in(stack)
    before_mib = monitor.status_kib() / 1024
    say(f"P9c: {STREAMS} boards listen")
    boards = [Listener(monitor.port, cookie) for _ in range(STREAMS)]
    time.sleep(5)
    rss_mib = monitor.status_kib() / 1024
    peak_mib = monitor.status_kib("VmHWM") / 1024
    for board in boards:
        board.close()
    monitor.stop()
    return {
        "value": round(peak_mib, 1),
        "limit": None,
        "ratio": None,
        "conditions": {
            "streams": STREAMS,
            "resident_mib": round(rss_mib, 1),
            "without_streams_mib": round(before_mib, 1),
        },
    }
