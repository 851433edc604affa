"""A failing history made small: facts are dropped while it still fails."""

from __future__ import annotations

from tests.model.histories import history, text


def shrink(facts, fails):
    """A part of the history that still fails, from which no single fact can be dropped."""
    size = max(1, len(facts) // 2)
    while True:
        at, dropped = 0, False
        while at < len(facts):
            fewer = facts[:at] + facts[at + size :]
            if fewer and fails(fewer):
                facts, dropped = fewer, True
            else:
                at += size
        if size > 1:
            size //= 2
        elif not dropped:
            return facts


def for_histories(seeds, check):
    """Runs check(history) for each seed; the first that fails is shrunk and told with its seed."""
    for seed in seeds:
        facts = history(seed)
        if failure(check, facts) is None:
            continue
        small = shrink(facts, lambda fewer: failure(check, fewer) is not None)
        raise AssertionError(
            f"seed {seed}, shrunk to {len(small)} facts:\n{text(small)}\n{failure(check, small)}"
        )


def failure(check, facts):
    """What check says against the history, or None."""
    try:
        check(facts)
    except AssertionError as error:
        return str(error) or "the check failed"
    except Exception as error:
        return repr(error)
    return None
