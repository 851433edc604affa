"""kasumori offset: what is shown, and how a partition begins anew."""

from __future__ import annotations

import psycopg
import pytest


@pytest.fixture
def places(database):
    with psycopg.connect(database) as connection:
        connection.execute("delete from kasumori.kafka_offset")
        for partition, offset in enumerate((10, 20, 30)):
            connection.execute(
                "insert into kasumori.kafka_offset (cluster_id, topic, partition, next_offset, epoch, "
                "owner) values ('c', 'kasumori.records.v1', %s, %s, 5, gen_random_uuid())",
                (partition, offset),
            )

    def rows() -> list[tuple]:
        with psycopg.connect(database) as connection:
            return connection.execute(
                "select partition, incarnation, next_offset, epoch, owner is not null "
                "from kasumori.kafka_offset order by partition, incarnation"
            ).fetchall()

    return rows


@pytest.fixture
def offset(kasumori, database):
    return lambda *arguments: kasumori("offset", *arguments, "--database", database)


def test_one_partition_begins_anew_and_its_owner_is_fenced(offset, places):
    done = offset("accept-new-topic", "--partition", "1")
    assert done.stdout == "1 partitions begin anew at offset 0\n", done.stderr
    assert places() == [
        (0, 1, 10, 5, True),
        (1, 1, 20, 6, False),
        (1, 2, 0, 0, False),
        (2, 1, 30, 5, True),
    ]
    shown = offset("show").stdout.splitlines()[1:]
    assert [line.split("\t")[3:6] for line in shown] == [
        ["0", "1", "10"],
        ["1", "2", "0"],
        ["2", "1", "30"],
    ]
    assert len(offset("show", "--all").stdout.splitlines()) == 1 + 4


def test_all_from_an_offset_and_again(offset, places):
    assert offset("accept-new-topic", "--all", "--from", "7").returncode == 0
    assert offset("accept-new-topic", "--all").returncode == 0
    newest = [row for row in places() if row[1] == 3]
    assert newest == [(0, 3, 0, 0, False), (1, 3, 0, 0, False), (2, 3, 0, 0, False)]
    assert [row[2] for row in places() if row[1] == 2] == [7, 7, 7]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "which partitions?"),
        (("--all", "--partition", "1"), "which partitions?"),
        (("--partition", "9"), "no such partition was ever read"),
        (("--partition", "x"), "--partition: want a number"),
        (("--all", "--from", "-1"), "--from: want a number"),
        (("--all", "--topic", "other"), "no such partition was ever read"),
    ],
)
def test_what_is_refused_changes_nothing(offset, places, arguments, complaint):
    before = places()
    done = offset("accept-new-topic", *arguments)
    assert done.returncode == 1
    assert complaint in done.stderr
    assert places() == before


def test_two_clusters_must_be_told_apart(offset, places, database):
    with psycopg.connect(database) as connection:
        connection.execute(
            "insert into kasumori.kafka_offset (cluster_id, topic, partition, next_offset) "
            "values ('d', 'kasumori.records.v1', 0, 40)"
        )
    done = offset("accept-new-topic", "--partition", "0")
    assert done.returncode == 1
    assert "--cluster" in done.stderr
    done = offset("accept-new-topic", "--partition", "0", "--cluster", "d")
    assert done.returncode == 0
    assert len(places()) == 5
