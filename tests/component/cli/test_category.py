"""kasumori category: what the schema is delivered with, and what an operator may change of it."""

from __future__ import annotations

import psycopg
import pytest

from tests.model.facts import SEVERITY

TOKYO = """
scheme: tokyo
version: 2025
ja: 東京都
en: Tokyo
categories:
  - {code: shout, ja: 怒声, en: shouting, severity: 3}
  - {code: other}
mappings:
  - {code: shout, scheme: mhlw9, version: 2022, to: abuse}
"""


@pytest.fixture
def load(kasumori, database, tmp_path):
    def run(text):
        path = tmp_path / "categories.yaml"
        path.write_text(text)
        return kasumori("category", "load", path, "--database", database)

    return run


def codes(database, scheme):
    with psycopg.connect(database) as connection:
        return connection.execute(
            "select code, ja, severity from kasumori.category where scheme = %s order by place",
            (scheme,),
        ).fetchall()


def listed(kasumori, database, scheme):
    done = kasumori("category", "list", "--scheme", scheme, "--database", database)
    assert done.returncode == 0, done.stderr
    return [line.split("\t") for line in done.stdout.splitlines()[1:]]


def test_the_schema_is_delivered_with_what_is_known(kasumori, database):
    known = codes(database, "mhlw9")
    assert {f"mhlw9:2022:{code}": severity for code, _, severity in known} == SEVERITY
    assert [ja for _, ja, _ in known] == [
        "時間拘束", "リピート", "暴言", "暴力", "威嚇・脅迫", "権威", "店舗外拘束",
        "SNS・インターネット上での誹謗中傷", "セクシュアルハラスメント",
    ]  # fmt: skip
    call_center = codes(database, "ccaj12")
    assert len(call_center) == 12
    assert [ja for _, ja, _ in call_center if ja] == ["長時間拘束", "リピート", "暴言・怒声"]
    first = listed(kasumori, database, "ccaj12")[0]
    assert first[2:] == ["confinement", "長時間拘束", "long confinement", "",
                         "mhlw9:2022:time", "incomplete"]  # fmt: skip
    assert listed(kasumori, database, "law2026") == [
        ["law2026", "2026", "", "", "", "", "", "incomplete"]
    ]


def test_an_operator_fills_a_scheme_step_by_step(kasumori, database, load):
    done = load(TOKYO)
    assert (done.returncode, done.stdout) == (0, "tokyo:2025: 2 categories, 1 mappings\n")
    assert listed(kasumori, database, "tokyo") == [
        ["tokyo", "2025", "shout", "怒声", "shouting", "3", "mhlw9:2022:abuse", "incomplete"],
        ["tokyo", "2025", "other", "", "", "", "", "incomplete"],
    ]
    whole = TOKYO.replace("- {code: other}", "- {code: wait, ja: 待機, en: waiting}")
    assert load(f"complete: true{whole}").returncode == 0
    assert codes(database, "tokyo") == [("shout", "怒声", 3), ("wait", "待機", None)]
    assert {row[7] for row in listed(kasumori, database, "tokyo")} == {"complete"}
    assert load(whole.replace(", ja: 待機, en: waiting", "")).returncode == 0
    assert codes(database, "tokyo")[1] == ("wait", "待機", None)  # a name does not go


def test_a_code_that_records_may_carry_does_not_go(database, load):
    assert load(TOKYO.replace("tokyo", "own")).returncode == 0
    before = codes(database, "own")
    done = load(TOKYO.replace("tokyo", "own").replace("shout", "yell"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "kasumori: own:2025:shout is not in the file: records may carry it, so it cannot go\n"
    )
    done = load(TOKYO.replace("tokyo", "own").replace("to: abuse", "to: nothing"))
    assert done.stderr == (
        "kasumori: mappings: shout: there is no mhlw9:2022:nothing, or it is given twice\n"
    )
    assert codes(database, "own") == before


def test_a_wrong_file_changes_nothing(database, load):
    done = load(TOKYO.replace("tokyo", "no").replace("severity: 3", "severity: 9"))
    assert done.returncode == 1
    assert ":7:51: " in done.stderr
    assert done.stderr.endswith("severity: 9 is not between 1 and 5\n")
    assert codes(database, "no") == []
