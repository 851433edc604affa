"""Monthly partitions: by the milliseconds in a UUIDv7, made ahead, never twice."""

from __future__ import annotations

import threading
import uuid
from datetime import UTC, datetime

import psycopg
import pytest

PARENTS = ("record", "record_text", "sealed_identity", "sighting")


def uuid_v7(at: datetime, fill: int = 0) -> uuid.UUID:
    milliseconds = round(at.timestamp() * 1000)
    tail = (0x7 << 76) | (0x2 << 62) | (fill and ((0xFFF << 64) | (2**62 - 1)))
    return uuid.UUID(int=(milliseconds << 80) | tail)


def add_text(connection: psycopg.Connection, record_id: uuid.UUID) -> str:
    """The partition the row went to."""
    return connection.execute(
        "insert into kasumori.record_text (tenant, record_id, place, text) "
        "values ('t', %s, 'p', 'x') returning tableoid::regclass::text",
        (record_id,),
    ).fetchone()[0]


def months_of(connection: psycopg.Connection, parent: str) -> list[str]:
    found = connection.execute(
        "select relname from pg_inherits join pg_class on pg_class.oid = inhrelid "
        "where inhparent = %s::regclass order by 1",
        (f"kasumori.{parent}",),
    ).fetchall()
    return [name.removeprefix(parent + "_") for (name,) in found]


def test_eighteen_months_of_each_are_there(sql):
    now = datetime.now(UTC)
    first = divmod(now.year * 12 + now.month - 1 - 14, 12)
    last = divmod(now.year * 12 + now.month - 1 + 3, 12)
    for parent in PARENTS:
        months = months_of(sql, parent)
        assert len(months) == 18
        assert months[0] == f"{first[0]}_{first[1] + 1:02}"
        assert months[-1] == f"{last[0]}_{last[1] + 1:02}"


def test_a_month_is_its_milliseconds_in_utc(sql):
    sql.execute("select kasumori.make_partitions('2031-01-15', '2031-03-01')")
    just_before = datetime(2031, 1, 31, 23, 59, 59, 999000, tzinfo=UTC)
    begin = datetime(2031, 2, 1, tzinfo=UTC)
    end = datetime(2031, 2, 28, 23, 59, 59, 999000, tzinfo=UTC)
    # Whatever the random bits are, only the milliseconds decide.
    for fill in (0, 1):
        assert add_text(sql, uuid_v7(just_before, fill)) == "kasumori.record_text_2031_01"
        assert add_text(sql, uuid_v7(begin, fill)) == "kasumori.record_text_2031_02"
        assert add_text(sql, uuid_v7(end, fill)) == "kasumori.record_text_2031_02"


def test_the_zone_of_the_session_does_not_matter(sql):
    sql.execute("set timezone = 'Asia/Tokyo'")
    sql.execute("select kasumori.make_partitions('2032-05-01', '2032-05-01')")
    assert add_text(sql, uuid_v7(datetime(2032, 5, 1, tzinfo=UTC))).endswith("2032_05")
    with pytest.raises(psycopg.errors.CheckViolation), sql.transaction():
        add_text(sql, uuid_v7(datetime(2032, 4, 30, 23, 59, 59, tzinfo=UTC)))


def test_there_is_no_default_partition(sql):
    with pytest.raises(psycopg.errors.CheckViolation):
        add_text(sql, uuid_v7(datetime(1999, 12, 31, tzinfo=UTC)))


def test_only_what_is_missing_is_made(sql):
    call = "select kasumori.make_partitions('2033-01-01', '2033-02-28')"
    assert sql.execute(call).fetchone() == (8,)
    assert sql.execute(call).fetchone() == (0,)
    sql.execute("drop table kasumori.sighting_2033_02")
    assert sql.execute(call).fetchone() == (1,)
    # One that was taken out stays out.
    sql.execute("alter table kasumori.record detach partition kasumori.record_2033_01")
    assert sql.execute(call).fetchone() == (0,)


@pytest.mark.parametrize("months", ["'2033-02-01', '2033-01-01'", "null, null",
                                    "'2000-01-01', '2090-01-01'"])  # fmt: skip
def test_nonsense_is_refused(sql, months):
    with pytest.raises(psycopg.errors.RaiseException):
        sql.execute(f"select kasumori.make_partitions({months})")


def test_a_new_partition_has_what_its_parent_has(sql):
    sql.execute("select kasumori.make_partitions('2034-01-01', '2034-01-01')")
    for parent in PARENTS:
        child = f"kasumori.{parent}_2034_01"
        owner, is_closed = sql.execute(
            "select pg_get_userbyid(relowner), relrowsecurity and relforcerowsecurity "
            "from pg_class where oid = %s::regclass",
            (child,),
        ).fetchone()
        assert (owner, is_closed) == ("kasumori_owner", True)
        loose = sql.execute(
            "select count(*) from pg_index where indrelid = %s::regclass and not exists ("
            "select from pg_inherits where inhrelid = indexrelid)",
            (child,),
        ).fetchone()
        assert loose == (0,)  # every index is part of the parent's, none is made twice
        wanted = sql.execute(
            "select count(*) from pg_index where indrelid = %s::regclass", (f"kasumori.{parent}",)
        ).fetchone()
        made = sql.execute(
            "select count(*) from pg_index where indrelid = %s::regclass", (child,)
        ).fetchone()
        assert made == wanted


def test_many_at_once(database):
    """Each call in a transaction of its own, as the aggregators do."""
    made, failures = [], []

    def make() -> None:
        try:
            with psycopg.connect(database) as connection:
                connection.execute("set role kasumori_aggregator")
                made.append(
                    connection.execute(
                        "select kasumori.make_partitions('2035-01-01', '2035-06-30')"
                    ).fetchone()[0]
                )
        except psycopg.Error as error:
            failures.append(error)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sorted(made) == [0, 0, 0, 24]


def test_running_inserts_are_not_waited_for(database):
    """Nor held up: an open transaction that has inserted, then a new month, then another insert."""
    with psycopg.connect(database) as writer, psycopg.connect(database) as maker:
        now = datetime.now(UTC)
        add_text(writer, uuid_v7(now))
        maker.execute("set lock_timeout = '2s'")
        made = maker.execute("select kasumori.make_partitions('2036-01-01', '2036-01-01')")
        assert made.fetchone() == (4,)
        writer.execute("set lock_timeout = '2s'")
        add_text(writer, uuid_v7(now, fill=1))  # the maker has not committed yet
        maker.commit()
        writer.rollback()
