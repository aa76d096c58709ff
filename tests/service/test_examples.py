"""The examples of the documentation, run against a real service."""

import subprocess
import sys
from pathlib import Path

import pytest
from test_run import folder, served

from zhiyin.data.store.sqlite import SqliteStore

pytestmark = pytest.mark.slow  # real sockets and models: not in the fast loop


__all__ = ["folder"]  # a fixture: the same small shop
EXAMPLES = Path(__file__).parents[2] / "examples"


def test_a_click_is_tracked_with_the_list_it_was_in(folder: Path) -> None:
    with served(folder) as (_, address):
        done = subprocess.run(
            [sys.executable, EXAMPLES / "track_a_click.py", address.rstrip("/")],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    store = SqliteStore(folder / "zhiyin.db")
    (event,) = store.history("ann", limit=5)
    assert (event.type, event.position) == ("click", 0)
    assert store.recommendation(str(event.recommendation_id)) is not None
    store.close()
