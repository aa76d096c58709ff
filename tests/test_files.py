"""A file appears whole or not at all."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from zhiyin.files import alone, appearing, drafted, save_arrays, shared_folder


def test_the_draft_takes_the_place_of_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "zhiyin.toml"
    target.write_text("old")
    with appearing(target) as draft:
        draft.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_what_fails_leaves_what_was_there_and_no_draft(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_text("old")
    with pytest.raises(UnicodeEncodeError), appearing(target) as draft:
        draft.write_text("half a page \ud800", "utf-8")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_draft_that_was_never_written_takes_no_place(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), appearing(tmp_path / "nothing"):
        pass
    assert not list(tmp_path.iterdir())


def test_killed_in_the_middle_the_old_file_stays(tmp_path: Path) -> None:
    target = tmp_path / "evaluation.json"
    target.write_text("old")
    killed = """
import os, signal, sys
from pathlib import Path
from zhiyin.files import appearing
with appearing(Path(sys.argv[1])) as draft:
    draft.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", killed, str(target)], check=False).returncode < 0
    assert target.read_text() == "old"


def test_arrays_that_cannot_be_written_are_an_error_of_the_system_with_the_cure(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))  # bytes: as a full disk
    try:
        with pytest.raises(OSError, match=r"model\.safetensors cannot be written: make room on its disk"):
            save_arrays(tmp_path / "model.safetensors", {"numbers": np.zeros(1_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


HOLDER = """
import os, signal, sys, time
from pathlib import Path
from zhiyin.files import drafted
with drafted(Path(sys.argv[1])) as draft:
    (draft / "half").write_text("written")
    print(draft.name, flush=True)
    if sys.argv[2] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    sys.stdin.read()
"""


def holder(folder: Path, how: str) -> subprocess.Popen[str]:
    """A process in the middle of a draft."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder), how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_a_drafted_folder_is_renamed_by_the_block_or_gone(tmp_path: Path) -> None:
    with drafted(tmp_path / "bundles") as draft:
        (draft / "one").write_text("1")
        assert draft.stat().st_mode & 0o077 == 0
        draft.rename(tmp_path / "bundles" / "made")
    with pytest.raises(ValueError, match="half"), drafted(tmp_path / "bundles") as draft:
        raise ValueError("half")
    assert [path.name for path in (tmp_path / "bundles").iterdir()] == ["made"]


def test_a_draft_of_a_killed_process_is_cleared_away_by_the_next_and_one_under_way_is_not(tmp_path: Path) -> None:
    with holder(tmp_path, "killed") as killed, holder(tmp_path, "writing") as writing:
        assert killed.stdout is not None
        assert writing.stdout is not None
        dead, alive = killed.stdout.readline().strip(), writing.stdout.readline().strip()
        assert killed.wait() == -signal.SIGKILL
        with drafted(tmp_path) as draft:
            there = {path.name for path in tmp_path.iterdir()}
            assert there == {alive, draft.name}
        assert dead not in there
        writing.communicate()
    assert list(tmp_path.iterdir()) == []


def test_drafts_of_another_kind_are_let_be(tmp_path: Path) -> None:
    (tmp_path / ".backup-old").mkdir()
    (tmp_path / ".draft-old").mkdir()
    with drafted(tmp_path, ".backup-"):
        assert sorted(path.name for path in tmp_path.iterdir())[-1] == ".draft-old"
        assert not (tmp_path / ".backup-old").exists()


def test_who_is_alone_is_not_joined(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "a.lock"):
        with alone(path), pytest.raises(BlockingIOError), alone(path, wait=False):
            pass
        with alone(path, wait=False):
            pass


def test_a_shared_folder_goes_with_the_last_that_is_done_and_stays_for_who_fails(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    with shared_folder(folder):
        (folder / "kept").write_text("half way")
        with shared_folder(folder):
            pass
        assert (folder / "kept").exists(), "somebody else is still there"
    assert not folder.exists()
    folder.mkdir()
    (folder / "kept").write_text("half way")
    with pytest.raises(ValueError, match="half"), shared_folder(folder):
        raise ValueError("half")
    assert (folder / "kept").exists(), "it goes on from there"
    (folder / "kept").unlink()
    with pytest.raises(ValueError, match="half"), shared_folder(folder):
        raise ValueError("half")
    assert not folder.exists()
