"""kasumori topics: the files of deploy/kafka on a real broker."""

from __future__ import annotations

from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from tests.support.paths import ROOT

TOPICS = ROOT / "deploy" / "kafka" / "topics.yaml"


def test_the_topics_of_the_deployment(kasumori, kafka):
    command = ("topics", "apply", "--file", TOPICS, "--brokers", kafka.bootstrap, "--fewer-copies")
    first = kasumori(*command)
    assert first.returncode == 0, first.stderr
    assert first.stdout.count(": created") == 4
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    found = admin.list_topics(timeout=20).topics
    assert len(found["kasumori.records.v1"].partitions) == 12
    resource = ConfigResource(ResourceType.TOPIC, "kasumori.records.v1")
    settings = next(iter(admin.describe_configs([resource]).values())).result()
    assert settings["message.timestamp.type"].value == "LogAppendTime"
    assert settings["retention.ms"].value == "1209600000"
    second = kasumori(*command)
    assert second.returncode == 0, second.stderr
    assert second.stdout.count(": unchanged") == 4


def test_more_copies_than_brokers_is_refused(kasumori, kafka, tmp_path):
    path = tmp_path / "topics.yaml"
    path.write_text("topics:\n  - {name: copies, partitions: 1, replication: 3}\n")
    done = kasumori("topics", "apply", "--file", path, "--brokers", kafka.bootstrap)
    assert done.returncode == 1
    assert "copies" in done.stderr


def test_a_bad_file_is_told_by_line(kasumori, kafka, tmp_path):
    path = tmp_path / "topics.yaml"
    path.write_text("topics:\n  - {name: t, partitions: none, replication: 1}\n")
    done = kasumori("topics", "apply", "--file", path, "--brokers", kafka.bootstrap)
    assert done.returncode == 1
    assert f"{path}:2:" in done.stderr
    assert "partitions" in done.stderr
