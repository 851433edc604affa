"""Runs one test program beside a fresh Apache Kafka that the program may kill, start and shape.

The program finds KASUMORI_TEST_BROKERS and KASUMORI_TEST_CONTROL, the number of a socket it
inherits: it writes one command a line and reads "ok" or "failed WHY".
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.support.kafka import Kafka


def obey(kafka: Kafka, words: list[str]) -> None:
    match words:
        case ["kill9"]:
            kafka.kill9()
        case ["start"]:
            kafka.start()
        case ["stop"]:
            kafka.stop()
        case ["create", name, partitions]:
            kafka.create_topic(name, int(partitions), {"message.timestamp.type": "LogAppendTime"})
        case ["delete", name]:
            kafka.delete_topic(name)
        case _:
            raise ValueError(f"unknown command {words}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", required=True, help="emptied first")
    parser.add_argument("program")
    args = parser.parse_args()
    shutil.rmtree(args.dir, ignore_errors=True)
    ours, theirs = socket.socketpair()
    with Kafka(args.dir) as kafka, ours, theirs:
        environment = os.environ | {
            "KASUMORI_TEST_BROKERS": kafka.bootstrap,
            "KASUMORI_TEST_CONTROL": str(theirs.fileno()),
        }
        program = subprocess.Popen([args.program], env=environment, pass_fds=[theirs.fileno()])
        theirs.close()
        # Brokers die with the thread that starts them, so commands are obeyed in this one and the
        # other waits for the program.
        threading.Thread(target=program.wait, daemon=True).start()
        with ours.makefile("rw") as lines:
            for line in lines:
                try:
                    obey(kafka, line.split())
                    answer = "ok"
                except Exception as error:
                    answer = f"failed {error}".replace("\n", " ")
                lines.write(answer + "\n")
                lines.flush()
        return program.wait()


if __name__ == "__main__":
    sys.exit(main())
