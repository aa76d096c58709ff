"""`zhiyin train text`, and `zhiyin train`, below which it lies."""

import sys
from pathlib import Path

import pytest

from conftest import Zhi


def said(told: object) -> str:
    return " ".join(str(told).split())


def test_training_is_what_it_was(shop: Path, zhi: Zhi) -> None:
    told = zhi("train", "--seed", 3, "-C", shop)
    assert told.exit_code == 0, told.output
    assert "Next: zhiyin evaluate" in said(told.output)


def test_options_before_the_name_are_refused_not_passed_over(shop: Path, zhi: Zhi) -> None:
    told = zhi("train", "-C", shop, "text")
    assert told.exit_code == 2
    assert "--folder stands before text" in said(told.output)


def test_adapting_without_torch_names_the_cure(shop: Path, zhi: Zhi, monkeypatch: pytest.MonkeyPatch) -> None:
    import zhiyin.workflows.adapt  # noqa: F401  # scipy looks at torch where it is first imported

    monkeypatch.setitem(sys.modules, "torch", None)
    told = zhi("train", "text", "-C", shop)
    assert told.exit_code == 2
    assert "torch is not installed" in said(told.output)
    assert not (shop / "towers").exists()


def test_both_have_a_page_of_help(zhi: Zhi) -> None:
    assert "text" in said(zhi("train", "--help").output)
    assert "--no-adopt" in said(zhi("train", "text", "--help").output)
    names = [
        line.split()[0] for line in zhi("--help").output.splitlines() if line.startswith("  ") and line.split()
    ]
    order = [name for name in names if name in ("up", "train", "evaluate")]
    assert order == ["up", "train", "evaluate"]
