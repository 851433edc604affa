"""Writes Asterisk call records as cdr_csv and cdr_custom do: several rows a call (ring group, forked
dial), local times without a zone, quoted names, empty answer times."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone

from tests.support.generator import Call

JST = timezone(timedelta(hours=9))


def _local(at_us: int) -> str:
    at = datetime.fromtimestamp(at_us / 1_000_000, UTC).astimezone(JST)
    return at.strftime("%Y-%m-%d %H:%M:%S")


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _rows(call: Call) -> Iterable[dict[str, str]]:
    answered_leg = call.legs - 1 if call.talk_s else -1
    number = call.caller or "anonymous"
    name = '山田 "様"' if call.caller else "Anonymous"
    for leg in range(call.legs):
        is_answered = leg == answered_leg
        end_us = call.start_us + (call.ring_s + (call.talk_s if is_answered else 0)) * 1_000_000
        yield {
            "src": number,
            "dst": "600",
            "dcontext": "from-trunk",
            "clid": f'"{name}" <{number}>',
            "channel": f"PJSIP/trunk-{call.linkedid[-4:]}",
            "dstchannel": f"PJSIP/{201 + leg}-{leg:08x}",
            "lastapp": "Dial",
            "lastdata": f"PJSIP/{201 + leg},30",
            "start": _local(call.start_us),
            "answer": _local(call.start_us + call.ring_s * 1_000_000) if is_answered else "",
            "end": _local(end_us),
            "duration": str((end_us - call.start_us) // 1_000_000),
            "billsec": str(call.talk_s if is_answered else 0),
            "disposition": "ANSWERED" if is_answered else "NO ANSWER",
            "amaflags": "DOCUMENTATION",
            "uniqueid": call.linkedid,
            "linkedid": call.linkedid,
            "sequence": str(leg + 1),
        }


_NUMBERS = {"duration", "billsec", "sequence"}
_CDR_CSV = (
    "accountcode src dst dcontext clid channel dstchannel lastapp lastdata start answer end duration"
    " billsec disposition amaflags uniqueid userfield peeraccount linkedid sequence"
).split()
_CDR_CUSTOM = (
    "clid src dst dcontext channel dstchannel lastapp lastdata start answer end duration billsec"
    " disposition amaflags accountcode uniqueid userfield sequence"
).split()


def _write(calls: Iterable[Call], columns: list[str]) -> str:
    lines = []
    for call in calls:
        for row in _rows(call):
            cells = [row.get(name, "") for name in columns]
            lines.append(
                ",".join(
                    cell if name in _NUMBERS else _quoted(cell)
                    for name, cell in zip(columns, cells, strict=True)
                )
            )
    return "".join(line + "\n" for line in lines)


def cdr_csv(calls: Iterable[Call]) -> str:
    """21 columns, accountcode first."""
    return _write(calls, _CDR_CSV)


def cdr_custom(calls: Iterable[Call]) -> str:
    """19 columns of cdr_custom.conf.sample, clid first."""
    return _write(calls, _CDR_CUSTOM)
