"""What needs torch is slow, and the fast loop has no torch: it need not even be imported there."""

from importlib.util import find_spec
from pathlib import Path

import pytest

NEED_TORCH = frozenset(
    {
        "test_distil_student.py",
        "test_labelling.py",
        "test_learning.py",
        "test_taught.py",
        "test_deep.py",
        "test_clicks_taught.py",
        "test_deep_shop.py",
        "test_tower.py",
        "test_contrast.py",
        "test_cross_taught.py",
        "test_cross_killed.py",
        "test_tower_killed.py",
    }
)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    fast = "not slow" in config.option.markexpr
    return True if fast and collection_path.name in NEED_TORCH and find_spec("torch") is None else None
