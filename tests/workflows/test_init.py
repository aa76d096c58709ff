from __future__ import annotations

from pathlib import Path

import pytest

from zhiyin.errors import InvalidData, InvalidSettings
from zhiyin.settings import FILE
from zhiyin.settings_file import load_settings
from zhiyin.workflows.init import Files, init_project

ITEMS = "movieId,title,genres\n1,Heat (1995),Crime|Drama\n2,Toy Story (1995),Comedy\n"
RATINGS = "userId,movieId,rating,timestamp\n7,1,4.5,1769860800\n7,2,2.0,1769860801\n8,2,3.5,1769860802\n"


def files(folder: Path) -> Files:
    (folder / "movies.csv").write_text(ITEMS)
    (folder / "ratings.csv").write_text(RATINGS)
    return Files(folder / "movies.csv", folder / "ratings.csv")


def test_what_init_writes_is_what_it_assumed(tmp_path: Path) -> None:
    assumed = init_project(tmp_path, files(tmp_path), name="films")
    assert load_settings(tmp_path) == assumed.settings
    data = assumed.settings.data
    assert data.items is not None
    assert data.events is not None
    assert (data.items.path, data.items.title, data.items.categories) == ("movies.csv", "title", ("genres",))
    assert (data.events.only_type, data.events.value, data.signals.rating_threshold) == ("rating", "rating", 3.5)
    assert (assumed.settings.name, assumed.settings.language) == ("films", "en")


def test_every_assumption_stands_in_the_file_as_a_comment(tmp_path: Path) -> None:
    assumed = init_project(tmp_path, files(tmp_path))
    text = " ".join((tmp_path / FILE).read_text().replace("\n#     ", " ").split())
    assert assumed.sentences()
    for sentence in assumed.sentences():
        assert " ".join(sentence.split()) in text
    assert "I took `movieId` as the item id: 2 distinct values in 2 rows, 100% of them met in the events" in text


def test_a_file_that_is_there_is_not_overwritten_without_force(tmp_path: Path) -> None:
    given = files(tmp_path)
    (tmp_path / FILE).write_text("# mine")
    with pytest.raises(InvalidSettings, match="--force"):
        init_project(tmp_path, given)
    assert (tmp_path / FILE).read_text() == "# mine"
    init_project(tmp_path, given, force=True)
    assert (tmp_path / FILE).read_text() != "# mine"


def test_a_file_that_cannot_be_understood_leaves_no_settings_behind(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("colour,size\nred,1\nred,1\n")
    with pytest.raises(InvalidData, match="item id"):
        init_project(tmp_path, Files(tmp_path / "a.csv"))
    assert not (tmp_path / FILE).exists()
    with pytest.raises(InvalidData, match="--items"):
        init_project(tmp_path, Files())


def test_files_elsewhere_are_named_by_their_full_path(tmp_path: Path) -> None:
    given = files(tmp_path)
    assert given.items is not None
    assumed = init_project(tmp_path / "shop", Files(given.items))
    assert assumed.settings.data.items is not None
    assert assumed.settings.data.items.path == str(given.items.resolve())
    assert assumed.settings.path(assumed.settings.data.items.path) == given.items.resolve()


def test_the_environment_does_not_leak_into_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHIYIN_SERVICE__API_KEYS", "geheim")
    monkeypatch.setenv("ZHIYIN_ENCODER__HOSTED__KEY", "geheim")
    monkeypatch.setenv("ZHIYIN_SERVICE__PORT", "1")
    init_project(tmp_path, files(tmp_path))
    text = (tmp_path / FILE).read_text()
    assert "geheim" not in text
    assert "port = 8420" in text
