"""`zhiyin evaluate --protocol`: a published protocol, judged without a shop.

The recipe is the one of zhiyin.toml where the folder has one, else the default.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from zhiyin.encoders.cache import CachedEncoder
from zhiyin.encoders.sentence import SentenceEncoder
from zhiyin.models.base import Run
from zhiyin.progress import Progress
from zhiyin.recipe import DefaultRecipe
from zhiyin.settings import FILE
from zhiyin.settings_file import load_settings
from zhiyin.workflows.evaluate import evaluate_protocol
from zhiyin.workflows.evaluation import Evaluation


def evaluate_alone(path: Path, folder: Path, name: str | None, progress: Progress) -> Evaluation:
    """Texts are encoded once for all fits, in a cache that is gone afterwards."""
    recipe = load_settings(folder).recipe if (folder / FILE).is_file() else DefaultRecipe()
    with tempfile.TemporaryDirectory(prefix="zhiyin-") as cache:
        encoder = CachedEncoder(SentenceEncoder(threads=2), Path(cache), progress)
        return evaluate_protocol(path, Run(encoder, progress=progress), recipe, name=name)
