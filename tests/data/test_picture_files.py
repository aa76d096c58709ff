"""Pictures in a folder: what lies in it is read, what only pretends to is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from zhiyin.data.fetching import Fetched
from zhiyin.data.picture_files import PictureFiles
from zhiyin.errors import InvalidData, NotFound

SECRET = b"the key of the house"


@pytest.fixture
def files(tmp_path: Path) -> PictureFiles:
    (tmp_path / "secret").write_bytes(SECRET)
    (tmp_path / "shop-other").mkdir()
    (tmp_path / "shop-other" / "a.png").write_bytes(SECRET)
    home = tmp_path / "shop"
    (home / "sub").mkdir(parents=True)
    (home / "a.png").write_bytes(b"a picture")
    (home / "sub" / "b c.png").write_bytes(b"another")
    return PictureFiles(home, most=100)


@pytest.mark.parametrize(
    ("ref", "content"),
    [
        ("a.png", b"a picture"),
        ("sub/b c.png", b"another"),
        ("sub/../a.png", b"a picture"),
        ("./a.png", b"a picture"),
    ],
)
def test_a_path_below_the_folder_is_read(files: PictureFiles, ref: str, content: bytes) -> None:
    assert files.read(ref) == Fetched(content, "")


def test_a_link_within_the_folder_is_followed(files: PictureFiles) -> None:
    (files.folder / "link.png").symlink_to("sub/b c.png")
    assert files.read("link.png") == Fetched(b"another", "")


@pytest.mark.parametrize(
    "ref", ["../secret", "sub/../../secret", "/etc/passwd", "../shop-other/a.png", "link/secret"]
)
def test_nothing_outside_of_the_folder_is_read(files: PictureFiles, ref: str) -> None:
    (files.folder / "link").symlink_to(files.folder.parent)
    with pytest.raises(InvalidData, match=r"outside of .*--dir"):
        files.read(ref)


def test_a_link_that_leads_out_is_not_followed(files: PictureFiles) -> None:
    (files.folder / "link.png").symlink_to(files.folder.parent / "secret")
    with pytest.raises(InvalidData, match="outside"):
        files.read("link.png")


@pytest.mark.parametrize("ref", ["b.png", "a.png/b.png", "nowhere/b.png", "gone.png"])
def test_what_is_not_there_is_missing(files: PictureFiles, ref: str) -> None:
    (files.folder / "gone.png").symlink_to("never")
    with pytest.raises(NotFound, match=r"--dir"):
        files.read(ref)


@pytest.mark.parametrize("ref", ["a\0.png", "a" * 5_000, "round"])
def test_what_is_no_path_is_refused(files: PictureFiles, ref: str) -> None:
    (files.folder / "round").symlink_to("round")
    with pytest.raises(InvalidData, match="no path"):
        files.read(ref)


@pytest.mark.parametrize("ref", ["sub", "pipe", "", "."])
def test_what_is_no_file_is_not_waited_for(files: PictureFiles, ref: str) -> None:
    os.mkfifo(files.folder / "pipe")
    with pytest.raises(InvalidData, match="no file"):
        files.read(ref)


def test_too_large_a_file_is_not_read(files: PictureFiles) -> None:
    (files.folder / "large.png").write_bytes(b"\0" * 101)
    with pytest.raises(InvalidData, match="101 bytes, and 100 are the most"):
        files.read("large.png")


@pytest.mark.parametrize(
    "ref", ["https://example.org/a.png", "HTTP://example.org/a.png", "ftp://x/y", "data:image/png,"]
)
def test_the_web_is_not_asked_unless_it_may_be(files: PictureFiles, ref: str) -> None:
    assert files.read(ref) is None
