"""kasumori site: what an import does to the stored history."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import psycopg
import pytest

HEADER = "site,name,kind,trade,region,address,landmark,valid_from,valid_to,merged_into"
JAPAN_2020_04_01 = datetime(2020, 3, 31, 15, tzinfo=UTC)


@pytest.fixture
def imports(kasumori, database, tmp_path) -> Callable[..., object]:
    def run(*rows: str, tenant: str = "acme", text: str | bytes | None = None):
        content = "\n".join((HEADER, *rows)) + "\n" if text is None else text
        path = tmp_path / "sites.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return kasumori("site", "import", path, "--tenant", tenant, "--database", database)

    return run


def history(database: str, site: str, tenant: str = "acme") -> list[tuple]:
    with psycopg.connect(database) as connection:
        return connection.execute(
            "select name, valid_from, nullif(valid_to, 'infinity') from kasumori.site "
            "where tenant = %s and site = %s order by valid_from",
            (tenant, site),
        ).fetchall()


def everything(database: str) -> list[tuple]:
    with psycopg.connect(database) as connection:
        return connection.execute(
            "select site::text, xmin::text from kasumori.site order by 1"
        ).fetchall()


def test_a_file_of_a_spreadsheet(imports, database):
    text = "\r\n".join(
        (HEADER, 's100,"本町店, 地下""1""階",store,小売,東京,東京都,駅前,2020-04-01,,', "")
    )
    done = imports(text=b"\xef\xbb\xbf" + text.encode())
    assert (done.returncode, done.stdout) == (0, "1 sites new, 0 changed, 0 unchanged\n")
    assert history(database, "s100") == [('本町店, 地下"1"階', JAPAN_2020_04_01, None)]


def test_the_same_file_again_touches_no_row(imports, database):
    rows = ("s200,A,store,,,,,2020-04-01,2021-04-01,s201", "s201,B,call_center,,,,,,,")
    assert imports(*rows).returncode == 0
    before = everything(database)
    done = imports(*rows)
    assert done.stdout == "0 sites new, 0 changed, 2 unchanged\n"
    assert everything(database) == before


def test_a_changed_row_closes_the_old_period(imports, database):
    imports("s300,Old,store,,,,,2020-04-01,,")
    done = imports("s300,New,store,,,,,2025-04-01,,")
    assert done.stdout == "0 sites new, 1 changed, 0 unchanged\n"
    change = datetime(2025, 3, 31, 15, tzinfo=UTC)
    assert history(database, "s300") == [("Old", JAPAN_2020_04_01, change), ("New", change, None)]


def test_without_a_date_it_changes_now(imports, database):
    imports("s310,Old,store,,,,,2020-04-01,,")
    before = datetime.now(UTC)
    imports("s310,New,store,,,,,,,")
    (old, _, closed), (new, opened, end) = history(database, "s310")
    assert (old, new, end) == ("Old", "New", None)
    assert before <= closed == opened <= datetime.now(UTC)


def test_one_bad_row_keeps_all_out(imports, database):
    done = imports("s400,Good,store,,,,,,,", "s401,Bad,shop,,,,,,,", "s402,,store,,,,,2020-99-01,,")
    assert done.returncode == 1
    for complaint in ("line 3: kind: ", "line 4: name: empty", "line 4: valid_from: no such day"):
        assert complaint in done.stderr
    assert "nothing was imported" in done.stderr
    assert history(database, "s400") == []


def test_what_the_plan_refuses_keeps_all_out(imports, database):
    done = imports("s410,Good,store,,,,,,,", "s411,Bad,store,,,,,2020-01-01,2021-01-01,nowhere")
    assert (done.returncode, done.stderr) == (1, "kasumori: line 3: merged_into: no such site\n")
    assert history(database, "s410") == []


def test_tenants_do_not_meet(imports, database):
    imports("s500,One,store,,,,,2020-04-01,,", tenant="one")
    imports("s500,Two,store,,,,,2020-04-01,,", tenant="two")
    assert [name for name, *_ in history(database, "s500", "one")] == ["One"]
    assert [name for name, *_ in history(database, "s500", "two")] == ["Two"]


def test_the_list_shows_today(imports, kasumori, database):
    imports(
        "s600,Past,store,,,,,2020-04-01,2021-04-01,",
        "s601,Present,headquarters,,東京,,,2020-04-01,,",
        "s602,Future,store,,,,,2999-04-01,,",
        tenant="list",
    )
    now = kasumori("site", "list", "--tenant", "list", "--database", database)
    assert now.stdout.splitlines()[1:] == [
        "s601\t2020-03-31T15:00:00Z\t\theadquarters\t東京\tPresent"
    ]
    every = kasumori("site", "list", "--all", "--tenant", "list", "--database", database)
    assert [line.split("\t")[0] for line in every.stdout.splitlines()[1:]] == [
        "s600",
        "s601",
        "s602",
    ]


def test_a_header_alone_is_a_list_of_nothing(imports):
    done = imports()
    assert (done.returncode, done.stdout) == (0, "0 sites new, 0 changed, 0 unchanged\n")


def test_a_large_list(imports, database):
    rows = [f"x{number:05},Site {number},store,,関東,住所,,2020-04-01,," for number in range(20000)]
    done = imports(*rows, tenant="large")
    assert done.stdout == "20000 sites new, 0 changed, 0 unchanged\n", done.stderr
    rows[777] = "x00777,Renamed,store,,関東,住所,,2025-04-01,,"
    done = imports(*rows, tenant="large")
    assert done.stdout == "0 sites new, 1 changed, 19999 unchanged\n"


def test_a_missing_file_and_a_missing_database(kasumori, database):
    done = kasumori("site", "import", "/nowhere.csv", "--tenant", "t", "--database", database)
    assert done.returncode == 1
    assert done.stderr == "kasumori: could not open /nowhere.csv: No such file or directory\n"
    done = kasumori("site", "list", "--tenant", "t", "--database", "host=127.0.0.1 port=1")
    assert done.returncode == 1
    assert done.stderr.startswith("kasumori: could not open the database: ")
    assert done.stderr.count("\n") == 1
