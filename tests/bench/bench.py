"""make bench: the table of performance targets, each figure beside its limit from the same run; a line
nobody has measured yet says so. Writes build/bench/<id>.json."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench import accept, backlog, drain, start
from tests.support.paths import BUILD, binaries


@dataclass(frozen=True)
class Line:
    id: str
    what: str
    unit: str
    target: str  # in words
    is_met: Callable[[dict], bool] | None = None  # of a measurement


LINES = (
    Line("P1", "aggregator: backlog to committed facts and derived state", "records/s",
         "≥ 0.40 of binary COPY of the same rows"),
    Line("P1t", "aggregator: backlog to committed facts, T1 alone", "records/s",
         "≥ 0.40 of binary COPY of the same rows", lambda m: m["ratio"] >= 0.40),
    Line("P2", "P1 with 20 million records stored", "records/s", "≥ 0.85 of P1"),
    Line("P3", "adversarial histories", "records/s", "≥ 0.5 of P1; all late ≥ 0.4"),
    Line("P4a", "agent: durable accept over HTTP, 1 client, p50", "µs",
         "≤ 2.5 × bare fdatasync of the same bytes", lambda m: m["ratio"] <= 2.5),
    Line("P4b", "agent: durable accept over HTTP, 32 clients", "records/s",
         "≥ min(5 × fdatasyncs/s, 0.4 × bare evhttp)", lambda m: m["ratio"] >= 1.0),
    Line("P5", "agent: drain after an outage", "records/s", "≥ 0.5 of librdkafka from memory",
         lambda m: m["ratio"] >= 0.5),
    Line("P6", "accept to the board's event stream at 1,000 records/s", "ms", "p99 ≤ 150 ms"),
    Line("P7", "caller look-up over HTTP with its audit row", "requests/s",
         "≥ 0.4 of pgbench, p99 ≤ 3 ×"),
    Line("P8", "analytics page over 20 million records", "ms", "p95 ≤ 200 ms, totals exact"),
    Line("P9", "resident memory", "MiB", "agent ≤ 32, aggregator ≤ 128, monitor ≤ 64"),
    Line("P10a", "agent: start to first accept", "ms", "≤ 100 ms", lambda m: m["value"] <= 100),
    Line("P10b", "aggregator: first commit after a killed predecessor", "s", "≤ 5 s",
         lambda m: m["conditions"]["worst_s"] <= 5),
)  # fmt: skip


def _conditions() -> dict:
    return {
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "kernel": platform.release(),
        "build": str(binaries().parent.name),
    }


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"


def write(folder: Path, measured: dict[str, dict]) -> None:
    for line in LINES:
        found = measured.get(line.id, {})
        report = {
            "id": line.id,
            "what": line.what,
            "value": found.get("value"),
            "unit": line.unit,
            "limit": found.get("limit"),
            "ratio": found.get("ratio"),
            "target": line.target,
            "met": bool(found and line.is_met is not None and line.is_met(found)),
            "runs": found.get("runs", 1 if found else 0),
            "conditions": {**_conditions(), **found.get("conditions", {})} if found else {},
        }
        text = json.dumps(report, ensure_ascii=False, indent=2)
        (folder / f"{line.id}.json").write_text(text + "\n")


def show(folder: Path) -> None:
    print(f"\n{'id':<5}{'what':<58}{'value':>10} {'unit':<11}{'limit':>9}{'ratio':>7}  target")
    for line in LINES:
        found = json.loads((folder / f"{line.id}.json").read_text())
        head = f"{line.id:<5}{line.what:<58}"
        if found["value"] is None:
            print(f"{head}{'not measured yet':>38}  {line.target}")
            continue
        numbers = f"{_number(found['value']):>10} {line.unit:<11}{_number(found['limit']):>9}"
        mark = "met" if found["met"] else "NOT MET"
        print(f"{head}{numbers}{_number(found['ratio']):>7}  {line.target}: {mark}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--records", type=int, default=300_000, help="of P1's backlog")
    parser.add_argument("--only", help="P1, P4, P5 or P10")
    args = parser.parse_args()
    folder = BUILD / "bench"
    work = folder / "work"
    shutil.rmtree(folder, ignore_errors=True)
    work.mkdir(parents=True)
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - started:6.1f} s  {text}", flush=True)

    measured: dict[str, dict] = {}
    if args.only in (None, "P4"):
        measured["P4a"], measured["P4b"] = accept.run(work / "p4", say)
    if args.only in (None, "P5"):
        measured["P5"] = drain.run(work / "p5", say)
    if args.only in (None, "P10"):
        measured["P10a"], measured["P10b"] = start.run(work / "p10", say)
    if args.only in (None, "P1"):
        measured["P1t"] = backlog.run(work / "p1", args.records, say)
    shutil.rmtree(work, ignore_errors=True)
    write(folder, measured)
    show(folder)
    print(f"\nwritten to {folder}/*.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
