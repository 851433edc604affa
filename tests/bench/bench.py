"""make bench: the table of performance targets, each figure beside its limit from the same run; a line
nobody has measured yet says so. Writes build/bench/<id>.json."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench import (
    accept,
    analytics,
    backlog,
    board,
    drain,
    headquarters,
    lookup,
    memory,
    start,
    stored,
    whole,
)
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
         "≥ 0.40 of binary COPY of the same rows", lambda m: m["ratio"] >= 0.40),
    Line("P1c", "the same: CPU of all processes but the broker", "s/million", "≤ 28",
         lambda m: m["value"] <= 28),
    Line("P1t", "aggregator: backlog to committed facts, T1 alone", "records/s",
         "≥ 0.40 of binary COPY of the same rows", lambda m: m["ratio"] >= 0.40),
    Line("P2", "P1 with years of records stored (--stored)", "records/s", "≥ 0.85 of P1, 20 million",
         lambda m: m["ratio"] >= 0.85 and m["conditions"]["stored"] >= 20_000_000),
    Line("P3", "unkind histories, the slowest", "records/s",
         "≥ 0.5 of P1, all late ≥ 0.4; doubled ≤ 2.2 × the CPU", whole.is_unkind_met),
    Line("P4a", "agent: durable accept over HTTP, 1 client, p50", "µs",
         "≤ 2.5 × bare fdatasync of the same bytes", lambda m: m["ratio"] <= 2.5),
    Line("P4b", "agent: durable accept over HTTP, 32 clients", "records/s",
         "≥ min(5 × fdatasyncs/s, 0.4 × bare evhttp)", lambda m: m["ratio"] >= 1.0),
    Line("P5", "agent: drain after an outage", "records/s", "≥ 0.5 of librdkafka from memory",
         lambda m: m["ratio"] >= 0.5),
    Line("P6", "accept to the board's event stream at 1,000 records/s", "ms", "p99 ≤ 150 ms",
         lambda m: m["value"] <= 150),
    Line("P7", "caller look-up over HTTP with its audit row", "requests/s",
         "≥ 0.4 of pgbench, p99 ≤ 3 ×",
         lambda m: m["ratio"] >= 0.4 and m["conditions"]["p99_ratio"] <= 3),
    Line("P8", "analytics page, 2 million records (--stored)", "ms", "p95 ≤ 200 ms, totals exact",
         lambda m: m["value"] <= 200),
    Line("P9a", "resident: agent with 360,000 records spooled", "MiB", "≤ 32",
         lambda m: m["value"] <= 32),
    Line("P9b", "resident: aggregator after P1", "MiB", "≤ 128", lambda m: m["value"] <= 128),
    Line("P9c", "resident: monitor with 200 streams", "MiB", "≤ 64",
         lambda m: m["value"] <= 64),
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
    parser.add_argument("--records", type=int, default=100_000, help="of P1's backlog")
    parser.add_argument("--unkind", type=int, default=20_000, help="records of each of P3's")
    parser.add_argument("--spooled", type=int, default=360_000, help="records of P9a")
    parser.add_argument("--stored", type=int, default=2_000_000, help="records of P2, P7, P8")
    parser.add_argument(
        "--only",
        action="append",
        metavar="ID",
        help="P1, P1t, P2, P3, P4, P5, P6, P7, P8, P9 or P10; may be given again",
    )
    args = parser.parse_args()
    folder = BUILD / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="ks-bench-"))
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - started:6.1f} s  {text}", flush=True)

    measured: dict[str, dict] = {}

    def is_wanted(name: str) -> bool:
        return args.only is None or name in args.only

    if is_wanted("P4"):
        measured["P4a"], measured["P4b"] = accept.run(work / "p4", say)
    if is_wanted("P5"):
        measured["P5"] = drain.run(work / "p5", say)
    if is_wanted("P9"):
        measured["P9a"] = memory.run(work / "p9", args.spooled, say)
    if is_wanted("P10"):
        measured["P10a"], measured["P10b"] = start.run(work / "p10", say)
    if is_wanted("P1t"):
        measured["P1t"] = backlog.run(work / "p1t", args.records, say)
    if is_wanted("P1"):
        measured["P1"], measured["P1c"] = whole.run(work / "p1", args.records, say)
        peak = measured["P1"]["conditions"]["aggregator_peak_mib"]
        measured["P9b"] = {"value": peak, "conditions": {"records": args.records}}
    if is_wanted("P2"):
        measured["P2"] = stored.run(work / "p2", args.records, args.stored, say)
    if is_wanted("P6"):
        measured["P6"] = board.run(work / "p6", say)
    if is_wanted("P7") or is_wanted("P8") or is_wanted("P9"):
        with headquarters.loaded(work / "p7", args.stored, say) as stack:
            if is_wanted("P9"):
                measured["P9c"] = board.run_streams(stack, say)
            if is_wanted("P7"):
                measured["P7"] = lookup.run(stack, work, args.stored, say)
            if is_wanted("P8"):
                measured["P8"] = analytics.run(stack, args.stored, say)
    if is_wanted("P3"):
        measured["P3"] = whole.run_unkind(work / "p3", args.unkind, say)
    shutil.rmtree(work, ignore_errors=True)
    write(folder, measured)
    show(folder)
    print(f"\nwritten to {folder}/*.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
