"""A program that restores a backup again and again, each time killed one step later: before each thing that is
done to the disk, which Python tells an audit hook of. It says what every kill left behind, and what the next
restore made of it. Run by test_killed_restores.

    python kill_restores.py BACKUP FOLDER OTHER_BACKUP
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from zhiyin.errors import InvalidData, NotFound
from zhiyin.settings import FILE
from zhiyin.settings_file import load_settings
from zhiyin.workflows.backup import restore

STEPS = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "shutil.rmtree", "os.chmod")


def die_before(step: int) -> None:
    """SIGKILL this process before it changes the disk for the `step`th time."""
    left = step

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wxa+")
        if event in STEPS or writes:
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def killed(backup: Path, folder: Path, step: int) -> bool:
    """Whether there was such a step."""
    if (child := os.fork()) == 0:
        die_before(step)
        restore(backup, folder)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status) and os.waitstatus_to_exitcode(status):
        raise RuntimeError("a restore failed by itself")
    return os.WIFSIGNALED(status)


def files_in(folder: Path) -> dict[str, int]:
    return {str(one.relative_to(folder)): one.stat().st_size for one in folder.rglob("*") if one.is_file()}


def left_by(folder: Path) -> str:
    """What a command finds."""
    try:
        load_settings(folder)
    except NotFound as error:
        return "half" if "was interrupted" in str(error) else "none"
    return "whole"


def again(backup: Path, folder: Path) -> str:
    """What the next restore makes of it."""
    try:
        restore(backup, folder)
    except InvalidData as error:
        return str(error)
    return "restored"


def main(backup: Path, home: Path, other: Path) -> None:
    restore(backup, home / "sound")
    wanted = files_in(home / "sound")
    step = 0
    while killed(backup, folder := home / str(step), step):
        left = left_by(folder) if folder.is_dir() else "none"
        said = again(other if step % 2 else backup, folder)
        found = files_in(folder)
        whole = {name: size for name, size in found.items() if not name.startswith(".restoring")} == wanted
        print(json.dumps({"step": step, "left": left, "other": bool(step % 2), "again": said, "whole": whole}))  # noqa: T201
        step += 1
    print(json.dumps({"steps": step, "whole": files_in(folder) == wanted, "toml": (folder / FILE).is_file()}))  # noqa: T201


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
