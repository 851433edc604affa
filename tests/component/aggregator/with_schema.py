"""Runs a program with a migrated database: KASUMORI_TEST_OWNER holds a superuser's conninfo,
KASUMORI_TEST_DATABASE that of a login with the aggregator's rights.

with_schema.py --dir DIR --kasumori PROGRAM PROGRAM [ARGUMENT …]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.support.postgres import Postgres

DATABASE = "ingest_test"
LOGIN = "ingest_test_login"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--dir", required=True)
    parser.add_argument("--kasumori", required=True)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    with Postgres(options.dir) as pg:
        pg.dropdb(DATABASE)
        owner = pg.createdb(DATABASE)
        subprocess.run([options.kasumori, "migrate", "--database", owner], check=True)
        pg.sql(f"drop role if exists {LOGIN}", "postgres")
        pg.sql(f"create role {LOGIN} login in role kasumori_aggregator", "postgres")
        conninfo = {
            "KASUMORI_TEST_OWNER": owner,
            "KASUMORI_TEST_DATABASE": pg.conninfo(DATABASE, user=LOGIN),
        }
        done = subprocess.run(options.command, env=os.environ | conninfo)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
