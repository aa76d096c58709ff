"""`zhiyin compress`, from a shop with a model of its own to one that reads by a table."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from zhiyin.cli.guard import WRONG
from zhiyin.testing.tiny_models import tiny_model

Zhi = Callable[..., Result]  # the fixture of conftest


@pytest.mark.slow
def test_a_table_is_made_told_and_then_reads(shop: Path, zhi: Zhi, tmp_path: Path) -> None:
    tiny_model(shop / "models" / "tiny")
    out = tmp_path / "report.json"
    made = zhi("compress", "--static", "--dim", 8, "--model", "models/tiny", "--out", out, "-C", shop)
    assert made.exit_code == 0, made.output
    for word in ("teacher", "int8", "static", "texts/s", 'encoder.model = "towers/small"'):
        assert word in made.stdout
    assert [step["name"] for step in json.loads(out.read_bytes())["steps"]] == ["teacher", "int8", "static"]
    toml = shop / "zhiyin.toml"
    before = toml.read_text()
    toml.write_text(before.replace('model = "use"', 'model = "towers/small"'))
    assert toml.read_text() != before
    assert zhi("train", "-C", shop).exit_code == 0
    told = zhi("recommend", "--text", "warm tea", "-n", 2, "--json", "-C", shop)
    assert told.exit_code == 0, told.output


def test_what_is_not_asked_well_is_one_sentence(shop: Path, zhi: Zhi) -> None:
    for words, told in ((), "say how"), (("--static",), "of the BERT family"), (("--layers", 3), "--model minilm"):
        refused = zhi("compress", *words, "-C", shop)
        assert refused.exit_code == WRONG
        assert told in refused.stderr
        assert "Traceback" not in refused.output
