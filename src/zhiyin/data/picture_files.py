"""What an item calls its picture, to bytes: a file below one folder, or an address of the web."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from zhiyin.data.fetching import Fetched, Fetcher
from zhiyin.errors import InvalidData, NotFound


@dataclass(frozen=True, slots=True)
class PictureFiles:
    """Files of at most `most` bytes below `folder`; `fetcher`: None where the web is not to be asked."""

    folder: Path
    most: int
    fetcher: Fetcher | None = None

    def read(self, ref: str, tag: str = "") -> Fetched | None:
        """The content, or None for an address that is not to be asked. `tag`: of what is known already.

        Raises NotFound for what is not there, InvalidData for what may not be read: outside of the folder (also by
        a link), no file, too large.
        """
        if is_address(ref):
            return None if self.fetcher is None else self.fetcher.get(ref, tag)
        return Fetched(self._content(self._inside(ref)), "")

    def _inside(self, ref: str) -> Path:
        """Links are followed first: where they lead counts."""
        home = self.folder.resolve()
        try:
            path = (home / ref).resolve()
            if not path.is_relative_to(home):
                raise InvalidData(f"{ref!r} lies outside of {self.folder}: copy it there, or say --dir")
            return path.resolve(strict=True)
        except InvalidData:
            raise
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotFound(f"{ref!r} is not in {self.folder}: --dir names the folder of the pictures") from error
        except (OSError, ValueError, RuntimeError) as error:  # too long, a NUL, links in a circle
            raise InvalidData(f"{ref[:120]!r} is no path of a file ({str(error)[:40]}): mend it") from error

    def _content(self, path: Path) -> bytes:
        """Without waiting: a pipe would have nothing to say."""
        try:
            opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise NotFound(f"{path.name!r} cannot be opened: {error.strerror}") from error
        try:
            about = os.fstat(opened)
            if not stat.S_ISREG(about.st_mode):
                raise InvalidData(f"{path.name!r} is no file: name a picture")
            if about.st_size > self.most:
                told = f"it has {about.st_size:,} bytes, and {self.most:,} are the most"
                raise InvalidData(f"{told}: make it smaller")
            with os.fdopen(opened, "rb", closefd=False) as file:
                return file.read(self.most)
        finally:
            os.close(opened)


def is_address(ref: str) -> bool:
    """Whether a picture lies on the web; what begins with another scheme does too, and is refused there."""
    return "://" in ref or ref.startswith("data:")
