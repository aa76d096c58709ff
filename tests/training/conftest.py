"""What needs torch is slow: the fast loop does without it, and does not take seconds to import it."""

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
        "test_worded_tower.py",
    }
)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    fast = "not slow" in config.option.markexpr
    return True if fast and collection_path.name in NEED_TORCH else None
