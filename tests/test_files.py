"""A file appears whole or not at all."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from zhiyin.files import appearing, save_arrays


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
