"""Single settings are changed in a zhiyin.toml that people wrote, and nothing else of it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from zhiyin.errors import InvalidSettings
from zhiyin.settings import FILE, Settings
from zhiyin.settings_file import load_settings
from zhiyin.workflows.amending import amend, amended, amending, toml_lines
from zhiyin.workflows.toml import toml_of

MINE = """\
name = "shop"  # my own
[recipe.taste]  # what people like
# Ridge. reg = a number
# reg =
k = 300
shrinkage = 10.0

[recipe]
off = ["quality"]
"""


def test_a_setting_is_changed_where_it_stands_and_all_else_stays() -> None:
    changed = amended(MINE, {"recipe.taste.k": 120, "recipe.taste.reg": 50.0, "recipe.taste.shrinkage": None})
    assert changed == MINE.replace("k = 300", "k = 120").replace("# reg =", "reg = 50.0").replace(
        "shrinkage = 10.0", "# shrinkage ="
    )
    assert amended(MINE, {}) == MINE


def test_a_setting_that_is_not_there_goes_below_its_title_or_to_the_end() -> None:
    changed = amended(MINE, {"recipe.taste.user_power": 0.25, "recipe.words.recency": 0.5})
    told = tomllib.loads(changed)
    assert told["recipe"] == {
        "taste": {"k": 300, "shrinkage": 10.0, "user_power": 0.25},
        "words": {"recency": 0.5},
        "off": ["quality"],
    }
    assert [line for line in changed.splitlines() if line not in MINE.splitlines()] == [
        "user_power = 0.25", "[recipe.words]", "recency = 0.5",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "recipe.taste.k = 300\n",
        "[recipe]\ntaste = {k = 300}\n",
        '[recipe."taste"]\nk = 300\n',
        'name = """\n[recipe.taste]\nk = 300\n"""\n',
        "recipe = 1\n",
    ],
)
def test_a_file_in_which_lines_cannot_be_changed_is_left_as_it_is(text: str, tmp_path: Path) -> None:
    path = tmp_path / "zhiyin.toml"
    path.write_text(text)
    with pytest.raises(InvalidSettings, match=r"write them by hand\n  \[recipe.taste\]\n  k = 7"):
        amend(tmp_path, {"recipe.taste.k": 7})
    assert path.read_text() == text
    assert [one.name for one in tmp_path.iterdir()] == ["zhiyin.toml"]


def test_the_file_that_init_writes_takes_every_kind_of_setting(tmp_path: Path) -> None:
    path = tmp_path / "zhiyin.toml"
    path.write_text(toml_of(Settings(), {}), "utf-8")
    amend(tmp_path, {"recipe.taste.reg": 50.0, "recipe.taste.k": 9, "recipe.together.decay": 0.7})
    recipe = load_settings(tmp_path).recipe
    assert (recipe.taste.reg, recipe.taste.k, recipe.together.decay) == (50.0, 9, 0.7)
    assert len(path.read_text("utf-8").splitlines()) == len(toml_of(Settings(), {}).splitlines())
    amend(tmp_path, {"recipe.taste.reg": None})
    assert load_settings(tmp_path).recipe.taste.reg is None


def test_settings_are_told_by_sections() -> None:
    assert toml_lines({"recipe.taste.k": 9, "recipe.words.recency": 0.5, "recipe.taste.reg": None}) == [
        "[recipe.taste]", "k = 9", "# reg =", "[recipe.words]", "recency = 0.5",
    ]  # fmt: skip


def test_what_is_done_with_a_change_fails_and_the_file_is_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.write_text('[encoder]\nmodel = "use"  # mine\n', "utf-8")
    with amending(tmp_path, {"encoder.model": "minilm"}):
        assert "minilm" in path.read_text("utf-8")
    before = path.read_text("utf-8")
    with pytest.raises(KeyboardInterrupt), amending(tmp_path, {"encoder.model": "e5"}):
        raise KeyboardInterrupt
    assert path.read_text("utf-8") == before
    with amending(tmp_path / "elsewhere", {"encoder.model": "e5"}):
        pass
    assert not (tmp_path / "elsewhere").exists(), "where there is no file none is made"
