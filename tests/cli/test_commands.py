from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from typer.testing import Result

from zhiyin import __version__
from zhiyin.cli.guard import STOPPED, WRONG, guarded
from zhiyin.errors import InvalidData
from zhiyin.shop import Zhiyin

Zhi = Callable[..., Result]  # the fixture of conftest


def said(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return str(result.stdout)


def test_from_files_to_a_live_bundle_and_back(shop: Path, zhi: Zhi) -> None:
    before = json.loads(said(zhi("recommend", "--text", "something to cut wood", "--json", "-C", shop)))
    assert before["mode"] == "zero_shot"
    trained = said(zhi("train", "-C", shop))
    assert "24 people" in trained
    bundle = trained.split("bundle ")[1][:12]
    refused = zhi("publish", "-C", shop)
    assert (refused.exit_code, "was not measured" in refused.stderr) == (WRONG, True)
    assert bundle in said(zhi("publish", bundle, "--force", "-C", shop))
    after = json.loads(said(zhi("recommend", "--user", "u1", "-n", 3, "--json", "-C", shop)))
    assert (after["mode"], after["bundle"][:12]) == ("trained", bundle)
    assert "is live again" in said(zhi("rollback", "-C", shop))
    assert json.loads(said(zhi("recommend", "--json", "-C", shop)))["bundle"] == before["bundle"]


@pytest.mark.slow
def test_lists_are_shown_with_titles_and_reasons(shop: Path, zhi: Zhi) -> None:
    told = said(zhi("recommend", "--text", "warm tea", "-n", 2, "-C", shop))
    assert "Iron tea pot" in told
    assert "wish_words" in told
    assert "zero_shot, bundle" in told
    assert "Small axe" in said(zhi("similar", "saw", "-n", 3, "-C", shop))
    alike = said(zhi("similar", "--user", "u1", "-n", 3, "-C", shop))
    assert ("u11" in alike, "u10" in alike) == (True, False), "of two kinds of people"
    assert json.loads(said(zhi("similar", "-u", "u1", "--json", "-C", shop)))["people"][0]["shared"]
    dear = json.loads(said(zhi("recommend", "--filter", "price > 24", "--json", "-C", shop)))
    assert {place["item_id"] for place in dear["items"]} == {"pot", "axe"}
    assert "no item that may be shown passes the filter price > 999" in said(
        zhi("recommend", "--filter", "price > 999", "-C", shop)
    )
    refused = zhi("recommend", "--filter", "prise > 24", "-C", shop)
    assert (refused.exit_code, "which no item has (did you mean 'price'?)" in refused.stderr) == (WRONG, True)


@pytest.mark.slow
def test_a_list_can_be_traced_inspected_and_replayed(shop: Path, zhi: Zhi) -> None:
    assert "seen: 'cup'" in said(zhi("trace", "--user", "u1", "--why-not", "cup", "-C", shop))
    assert "unknown: 'gun'" in said(zhi("trace", "--why-not", "gun", "-C", shop))
    assert "meaning" in said(zhi("inspect", "--user", "u1", "-n", 3, "-C", shop))
    id_ = json.loads(said(zhi("recommend", "-u", "u1", "--json", "-C", shop)))["recommendation_id"]
    assert "bit for bit" in said(zhi("replay", id_, "-C", shop))
    assert zhi("replay", "-C", shop).exit_code == 2


@pytest.mark.slow
def test_the_log_says_what_another_policy_would_have_earned_or_that_it_cannot(shop: Path, zhi: Zhi) -> None:
    for _ in range(2):
        said(zhi("recommend", "-u", "u1", "-n", 2, "-C", shop))
    alone = zhi("replay", "--policy", "softmax", "-C", shop)
    assert alone.exit_code == 1
    assert "only 1.0 people count" in alone.stdout
    for n in range(40):
        said(zhi("recommend", "-u", f"visitor {n}", "-n", 2, "-C", shop))
    told = said(zhi("replay", "--policy", "softmax", "--interval", "normal", "-C", shop))
    assert "42 lists of 41 people earned 0.0000 each" in told
    assert "green cascade DR" in told
    refused = zhi("train", "policy", "-C", shop)
    assert "60 or more are needed" in refused.stderr
    assert zhi("replay", "--policy", "greedy", "--temperature", "-1", "-C", shop).exit_code == 2


@pytest.mark.slow
def test_what_exploring_cost_is_told_in_words_and_numbers(shop: Path, zhi: Zhi) -> None:
    assert "no list was shown yet" in zhi("exploration", "-C", shop).stderr
    for _ in range(8):
        said(zhi("recommend", "-u", "u1", "-n", 2, "-C", shop))
    told = said(zhi("exploration", "-C", shop))
    assert "8 lists since" in told
    assert "no item came while" in told
    found = json.loads(said(zhi("exploration", "--lists", 5, "--json", "-C", shop)))
    assert found["n_lists"] == 5
    assert found["days"][0]["lost"]["low"] <= found["lost"]["value"]
    asked = zhi("replay", "--policy", "budgeted", "--budget", 0.5, "-C", shop)
    assert (asked.exit_code, "red   places" in asked.stdout) == (1, True), "of eight lists"


@pytest.mark.slow
def test_made_up_people_use_copies_of_the_shop(shop: Path, zhi: Zhi, tmp_path: Path) -> None:
    words = (
        "simulate",
        "--rounds",
        2,
        "--people",
        3,
        "-n",
        2,
        "--arriving",
        0.2,
        "--policy",
        "greedy",
        "-C",
        shop,
    )
    told = said(zhi(*words, "--report", tmp_path / "page.html"))
    assert "softmax (temperature 0.1, floor 0.01)" in told
    assert "beyond softmax (temperature 0.1, floor 0.01), of the same people" in told
    assert "<polyline" in (tmp_path / "page.html").read_text()
    found = json.loads(said(zhi(*words, "--json")))
    assert [course["policy"]["name"] for course in found["courses"]] == ["softmax", "greedy"]
    assert zhi("simulate", "--policy", "best", "-C", shop).exit_code == 2
    with Zhiyin.open(shop) as opened:
        assert opened.store.counts()["events"] == 72
        assert opened.store.counts()["recommendations"] == 0


@pytest.mark.slow
def test_the_python_of_the_page_about_two_policies_runs(
    shop: Path, zhi: Zhi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "tutorial" / "two-policies.md").read_text(encoding="utf-8")
    code = dedent(page.partition("## In Python\n")[2].partition("\n`life.truth")[0])
    monkeypatch.chdir(shop.parent)
    told: dict[str, Any] = {}
    exec(compile(code.replace('"shop"', repr(shop.name)), "two-policies.md", "exec"), told)
    assert len(told["life"].wants) == 10 * told["simulation"].scene.people
    assert 0 < told["turn"].worth <= told["turn"].best


def test_importing_twice_changes_nothing_and_says_so(shop: Path, zhi: Zhi) -> None:
    told = said(zhi("import", "-C", shop))
    assert "events: 72 rows read from events.csv = 0 stored + 72 there already + 0 quarantined" in told


def test_the_doctor_gives_every_cure(shop: Path, zhi: Zhi) -> None:
    told = said(zhi("doctor", "-C", shop))
    assert "nothing is published yet" in told
    assert "-> zhiyin train && zhiyin evaluate && zhiyin publish" in told
    assert zhi("doctor", "-C", shop / "nowhere").exit_code == 1


@pytest.mark.slow
def test_a_shop_moves_by_backup_and_by_export(shop: Path, zhi: Zhi, tmp_path: Path) -> None:
    archive, files = tmp_path / "shop.tar.gz", tmp_path / "files"
    assert "keep it where only you" in said(zhi("backup", archive, "-C", shop))
    assert "all checked" in said(zhi("restore", archive, "-C", tmp_path / "again"))
    assert "events.parquet: 72 rows" in said(zhi("export", files, "--format", "parquet", "-C", shop))
    assert "72 rows read" in said(zhi("import", "-C", files))
    for folder in (tmp_path / "again", files):
        with Zhiyin.open(folder) as opened:
            assert opened.store.counts()["events"] == 72


@pytest.mark.slow
def test_a_bundle_is_measured_on_the_split_that_is_asked_for(shop: Path, zhi: Zhi, tmp_path: Path) -> None:
    said(zhi("train", "-C", shop))
    files = ("--out", tmp_path / "one.json", "--report", tmp_path / "one.html")
    told = said(zhi("evaluate", "--split", "new-users", "--given", 1, *files, "-C", shop))
    assert f"Report: {tmp_path / 'one.html'}" in told
    assert "twin people" in (tmp_path / "one.html").read_text("utf-8")
    assert "tell their first 1 positive events" in told
    assert "twin_people" in told, "in this shop all do one of two things"
    found = json.loads((tmp_path / "one.json").read_text())
    assert found["question"]["rule"] == "new_users"
    assert [leak["name"] for leak in found["warnings"]] == ["twin_people"]
    assert found["refused"] == []
    told = said(zhi("evaluate", "--split", "last", "--validation", "-C", shop))
    assert "the second-last event of each person" in told
    assert "Report: " not in told, "it is only answered"
    kept = said(zhi("evaluate", "-C", shop)).split("Report: ")[1].strip()
    assert "Evaluation of bundle" in Path(kept).read_text("utf-8")
    refused = zhi("evaluate", "--split", "last", "--permute", "-C", shop)
    assert (refused.exit_code, "takes 20 of both" in refused.stderr) == (WRONG, True)


@pytest.mark.slow
def test_two_bundles_are_compared(shop: Path, zhi: Zhi, tmp_path: Path) -> None:
    for seed in (1, 2):
        said(zhi("train", "--seed", seed, "-C", shop))
    zhi("publish", "--force", "-C", shop)
    names = sorted(path.name for path in (shop / "bundles").iterdir() if (path / "taste.safetensors").exists())
    refused = zhi("compare", *names, "-C", shop)
    assert (refused.exit_code, "--again measures both" in refused.stderr) == (WRONG, True)
    told = said(zhi("compare", *names, "--again", "--report", tmp_path / "two.html", "-C", shop))
    assert f"champion {names[0][:12]}, challenger {names[1][:12]}" in told
    assert "no difference is shown on ndcg@10" in told
    assert "as much" in (tmp_path / "two.html").read_text("utf-8")
    said(zhi("compare", *names, "--out", tmp_path / "two.json", "-C", shop))
    assert json.loads((tmp_path / "two.json").read_text())["people"]["worse"] == 0


@pytest.mark.slow
def test_settings_are_searched_for_and_written(shop: Path, zhi: Zhi, tmp_path: Path) -> None:
    before = (shop / "zhiyin.toml").read_text("utf-8")
    told = said(zhi("tune", "--trials", 3, "--out", tmp_path / "found.json", "-C", shop))
    assert "so they flatter it" in told
    assert "zhiyin, untuned" not in told
    assert (shop / "zhiyin.toml").read_text("utf-8") == before
    found = json.loads((tmp_path / "found.json").read_text())
    assert [len(one["trials"]) for one in found["searches"]] == [3] * 4
    told = said(zhi("tune", "--trials", 3, "--test", "--write", "-C", shop))
    assert "zhiyin, untuned" in told
    assert ("Written into zhiyin.toml:" in told) == bool(found["settings"])
    written = tomllib.loads((shop / "zhiyin.toml").read_text("utf-8"))["recipe"]
    for dotted, value in found["settings"].items():
        _, section, name = dotted.split(".")
        assert written[section].get(name) == value


def test_erasing_gives_a_receipt(shop: Path, zhi: Zhi) -> None:
    told = said(zhi("erase", "u1", "-C", shop))
    assert "3 events" in told
    assert "the next import brings them back" in told
    with Zhiyin.open(shop) as opened:
        assert opened.store.history("u1", limit=9) == []


@pytest.mark.slow
def test_an_error_of_ours_is_one_sentence_and_code_2(shop: Path, zhi: Zhi) -> None:
    for words in (
        ("recommend", "-C", shop / "nowhere"),
        ("recommend", "-n", "0", "-C", shop),
        ("similar", "gun", "-C", shop),
        ("similar", "--user", "gun", "-C", shop),
        ("similar", "-C", shop),
        ("publish", "abc", "-C", shop),
        ("evaluate", "-C", shop),
        ("evaluate", "--given", 3, "--protocol", shop / "nothing.json"),
        ("evaluate", "--protocol", shop / "nothing.json"),
        ("restore", shop / "nothing.tar.gz", "-C", shop / "new"),
        ("init", "--items", shop / "nothing.csv", "-C", shop / "new"),
        ("replay", "nothing", "-C", shop),
    ):
        failed = zhi(*words)
        assert failed.exit_code == WRONG, (words, failed.output)
        assert failed.stdout == "", words
        assert len(failed.stderr.strip().splitlines()) == 1, (words, failed.stderr)


@pytest.mark.parametrize(
    ("raised", "code", "told"),
    [
        (InvalidData("it is wrong: mend it"), WRONG, "it is wrong: mend it\n"),
        (PermissionError(13, "Permission denied", "/etc/x"), WRONG, "/etc/x: Permission denied\n"),
        (KeyboardInterrupt(), STOPPED, "Stopped."),
    ],
)
def test_expected_ends_are_told(
    raised: BaseException, code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    import typer

    def command() -> None:
        raise raised

    with pytest.raises(typer.Exit) as end:
        guarded(command)()
    assert end.value.exit_code == code
    assert capsys.readouterr().err.startswith(told)


@pytest.mark.slow
def test_a_person_is_told_in_words_and_says_something_back(shop: Path, zhi: Zhi) -> None:
    told = zhi("profile", "u0", "-C", shop)
    assert told.exit_code == 0, told.output
    said(zhi("profile", "u0", "--say", "tea, no Tools", "-C", shop))
    lines = said(zhi("profile", "u0", "-C", shop))
    assert "You said: more of “tea”." in lines
    assert "You said: never “Tools”.\n    In your own words.\n    category=Tools" in lines
    assert "你说过：不要“Tools”。" in said(zhi("profile", "u0", "--language", "zh", "-C", shop))
    after = json.loads(said(zhi("profile", "u0", "--edit", "unsaid category=Tools", "--json", "-C", shop)))
    assert [line["value"] for line in after if line["source"] == "said"] == ["tea"]
    wrong = zhi("profile", "u0", "--edit", "most of all", "-C", shop)
    assert wrong.exit_code == WRONG
    assert "FIELD=VALUE" in wrong.output


@pytest.mark.slow
def test_who_reads_only_the_first_line_gets_no_error(shop: Path) -> None:
    program = [sys.executable, "-m", "zhiyin", "doctor", "-C", str(shop)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as reading:
        assert reading.stdout is not None
        assert reading.stderr is not None
        reading.stdout.close()
        assert reading.stderr.read() == ""


def test_a_bug_is_not_hidden() -> None:
    def command() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        guarded(command)()


def test_the_version_is_told(zhi: Zhi) -> None:
    assert said(zhi("--version")).strip() == f"zhiyin {__version__}"


@pytest.mark.slow
@pytest.mark.parametrize(
    "program", [[str(Path(sys.executable).with_name("zhiyin"))], [sys.executable, "-m", "zhiyin"]]
)
def test_the_program_itself_says_what_it_can_do(program: list[str]) -> None:
    told = subprocess.run([*program, "--help"], capture_output=True, text=True, check=True).stdout
    assert "zhiyin demo" in told
    for command in ("init", "import", "doctor", "up", "train", "evaluate", "publish", "rollback", "demo"):
        assert f"\n  {command} " in told
