"""Documentation under test: numbers come from results files, links lead somewhere, commands and settings exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from zhiyin.encoders.sentence import SentenceEncoder

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def test_every_number_of_the_results_comes_from_a_results_file() -> None:
    checked = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "tables.py", "--check"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_project_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_in_the_pages_exist(page: Path) -> None:
    from typer.main import get_command

    from zhiyin.cli.app import app

    known = set(get_command(app).commands)  # type: ignore[attr-defined]
    named = set(re.findall(r"(?:^|`)zhiyin ([a-z]+)", page.read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert named <= known, f"{page.name} names {named - known}"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_ten_lines_of_python_run(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    sentence_encoder: SentenceEncoder,
) -> None:
    from zhiyin.data.store.open import open_store
    from zhiyin.settings_file import load_settings
    from zhiyin.workflows.ingest import ingest
    from zhiyin.workflows.init import Files, init_project

    shop = tmp_path / "shop"
    shop.mkdir()
    (tmp_path / "items.csv").write_text("item_id,title,text\ncup-1,A blue cup,For tea.\npot-1,A pot,For soup.\n")
    init_project(shop, Files(items=tmp_path / "items.csv"))
    settings = load_settings(shop)
    store = open_store(settings.store_url())
    ingest(settings, store)
    store.close()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("zhiyin.shop.SentenceEncoder", lambda threads: sentence_encoder)
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), flags=re.DOTALL)
    exec(compile(code, name, "exec"), {})
    shown = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert sorted(shown) == ["cup-1", "pot-1"], "everything but what Ann has"


def known_tests() -> set[str]:
    return {
        name
        for file in [*ROOT.glob("tests/**/test_*.py"), *ROOT.glob("src/zhiyin/testing/*.py")]
        for name in re.findall(r"^ *def (test_\w+)", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    }


def test_every_test_that_the_table_of_hostile_inputs_names_is_there() -> None:
    page = (ROOT / "docs" / "hostile-inputs.md").read_text(encoding="utf-8")
    known = known_tests()
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| input ")]
    assert len(rows) > 40
    for row in rows:
        named = set(re.findall(r"`(test_\w+)`", row))
        assert named, f"a row names no test: {row}"
        assert named <= known, f"not there: {named - known}"


def test_every_method_has_a_formula_a_source_and_files_and_tests_that_are_there() -> None:
    page, known = (ROOT / "docs" / "reference" / "methods.md").read_text(encoding="utf-8"), known_tests()
    lines = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| method ")]
    assert len(lines) > 25
    for line in lines:
        method, formula, source, files, tests = (cell.strip() for cell in line.strip("|").split("|"))
        assert method, line
        assert formula, line
        assert source, line
        named = re.findall(r"`([^`]+)`", files)
        assert named, f"{method} names no file"
        for file in named:
            assert (ROOT / "src" / "zhiyin" / file).is_file(), f"{method} names {file}"
        named = re.findall(r"`(\w+)`", tests)
        assert named, f"{method} names no test"
        assert set(named) <= known, f"{method} names {set(named) - known}"


def test_every_channel_stands_in_the_table_of_methods() -> None:
    from zhiyin.ranking.fusion import PRIOR_GATES

    page = (ROOT / "docs" / "reference" / "methods.md").read_text(encoding="utf-8")
    for channel in PRIOR_GATES:
        assert f"\n| {channel} | " in page, channel


def test_every_channel_has_its_words_in_both_languages() -> None:
    from zhiyin.ranking.fusion import PRIOR_GATES

    words = (ROOT / "src" / "zhiyin" / "service" / "pages" / "static" / "words.js").read_text(encoding="utf-8")
    for channel in PRIOR_GATES:
        assert words.count(f"  part_{channel}: ") == 2, channel


def test_every_metric_leak_and_split_is_documented() -> None:
    from typing import get_args

    from zhiyin.evaluation import leaks, verdict
    from zhiyin.evaluation.shelves import PERSON_BY_PERSON
    from zhiyin.metrics.ranking import METRICS
    from zhiyin.types import SplitName

    page = (ROOT / "docs" / "reference" / "evaluation.md").read_text(encoding="utf-8")
    source = "".join(Path(module.__file__).read_text(encoding="utf-8") for module in (leaks, verdict))
    found = set(re.findall(r'(?:Found|Leak)\(\s*"(\w+)"', source))
    assert len(found) > 10
    metrics = {stem.replace("@", "@k") for stem in METRICS} | {f"{stem}@k" for stem in PERSON_BY_PERSON}
    metrics |= {"auc", "gauc", "coverage@k", "gini@k", "rmse", "mae"}
    for name in found | metrics | set(get_args(SplitName)):
        assert f"`{name}`" in page, name
