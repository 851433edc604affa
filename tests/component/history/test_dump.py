"""kasumori dump --canonical reads from PostgreSQL what the model is told by hand."""

from __future__ import annotations

import difflib
import os

import psycopg

from tests.component.history.store import Store, storable
from tests.model import model
from tests.model.histories import history, text

COUNT = 220


def test_stored_histories_dump_as_the_model_does(kasumori, database):
    first = int(os.environ.get("KASUMORI_SEED", "1"))
    told = {f"h{seed}": storable(history(seed)) for seed in range(first, first + COUNT)}
    with psycopg.connect(database) as connection:
        store = Store(connection)
        for tenant, facts in told.items():
            store.add(tenant, facts)
        store.flush()
    for tenant, facts in told.items():
        done = kasumori("dump", "--canonical", "--tenant", tenant, "--database", database)
        assert done.returncode == 0, f"{tenant}: {done.stderr}"
        wanted = model.dump(facts)
        found = done.stdout.split("\n")[:-1]
        difference = difflib.unified_diff(wanted, found, "model", "stored", n=0, lineterm="")
        assert found == wanted, "\n".join([tenant, text(facts), *difference])


def test_an_unknown_tenant_has_no_facts(kasumori, database):
    done = kasumori("dump", "--canonical", "--tenant", "nobody", "--database", database)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
