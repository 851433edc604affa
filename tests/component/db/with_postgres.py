"""Runs a program with an empty database: its conninfo is in KASUMORI_TEST_DATABASE.

with_postgres.py --dir DIR PROGRAM [ARGUMENT …]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.support.postgres import Postgres

DATABASE = "db_test"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--dir", required=True)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    with Postgres(options.dir) as pg:
        pg.dropdb(DATABASE)
        conninfo = pg.createdb(DATABASE)
        done = subprocess.run(
            options.command, env=os.environ | {"KASUMORI_TEST_DATABASE": conninfo}
        )
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
