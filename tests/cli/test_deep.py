"""`--deep` where there is no torch, and where it has no meaning."""

import sys
from pathlib import Path

import pytest

from conftest import Zhi


@pytest.mark.slow
def test_training_a_net_without_torch_names_the_cure(
    shop: Path, zhi: Zhi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    told = zhi("train", "--deep", "-C", shop)
    assert told.exit_code == 2
    assert "torch is not installed" in " ".join(told.output.split())
    assert zhi("train", "-C", shop).exit_code == 0


def test_a_bundle_is_measured_by_its_own_recipe(shop: Path, zhi: Zhi) -> None:
    told = zhi("evaluate", "--deep", "-C", shop)
    assert told.exit_code == 2
    assert "--deep goes with --protocol" in " ".join(told.output.split())
