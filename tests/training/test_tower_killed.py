"""A training that is killed by the system goes on where it was, and ends with the same bits."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
SCRIPT = Path(__file__).parent / "adapt_until_killed.py"


def ended(folder: Path, method: str, *more: str) -> list[str]:
    folder.mkdir(exist_ok=True)
    told = subprocess.run(
        [sys.executable, SCRIPT, folder, method, "0", *more], capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr[-2000:]
    return told.stdout.split()


@pytest.mark.parametrize(("method", "more"), [("lora", ()), ("adalora", ()), ("full", ()), ("lora", ("worded",))])
def test_a_killed_adaptation_ends_with_the_same_weights(
    tmp_path: Path, method: str, more: tuple[str, ...]
) -> None:
    whole = ended(tmp_path / "whole", method, *more)
    folder = tmp_path / "killed"
    folder.mkdir()
    with subprocess.Popen(
        [sys.executable, SCRIPT, folder, method, "9", *more], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == "9":
                process.send_signal(signal.SIGKILL)
    again = ended(folder, method, *more)
    assert int(again[0]) > 5, "it begins where the checkpoint was"
    assert again[-1] == whole[-1]
