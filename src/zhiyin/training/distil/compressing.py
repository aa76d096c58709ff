"""The whole chain from a model to a smaller one, measured step by step.

A net: layers go, tokens go, numbers go, and what is left is taught by what there was. A table: see table.py.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree

import numpy as np

from zhiyin.encoders.base import Encoder
from zhiyin.encoders.cache import CachedEncoder
from zhiyin.encoders.carried import GRAPH, files_of
from zhiyin.encoders.language import LanguageEncoder, Precision, graph_in
from zhiyin.encoders.pretrained import Pretrained, find_pretrained
from zhiyin.encoders.published import WEIGHTS
from zhiyin.encoders.static import StaticEncoder
from zhiyin.encoders.towers import Tower, save_tower
from zhiyin.training.distil.chain import Made, Panel, Step
from zhiyin.training.distil.recipe import Teaching
from zhiyin.training.distil.static import Bench, drawn, static_tower
from zhiyin.training.distil.targets import Ensemble
from zhiyin.training.pruning.layers import chosen_layers, with_layers
from zhiyin.training.pruning.model import LooseModel
from zhiyin.training.pruning.sparsity import sparsified, zeros
from zhiyin.training.pruning.vocabulary import with_used_tokens

TRIED_BY = 64  # texts by which it is chosen which layers go
MOST_TAUGHT = 50_000  # texts that a net is taught by


@dataclass(frozen=True, slots=True)
class Smaller:
    """How a net becomes smaller; nothing is done where nothing is asked."""

    layers: int = 0  # that stay; 0: all
    common: int | None = None  # tokens of the vocabulary's beginning that stay beside those used; None: all stay
    sparsity: float = 0.0  # share of zeros in the matrices of the layers
    teaching: Teaching = field(default_factory=Teaching)

    @property
    def asked(self) -> bool:
        return bool(self.layers or self.sparsity) or self.common is not None


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a smaller model is made by: texts that it is to read well, and who else teaches it."""

    texts: Sequence[str]
    others: Sequence[Encoder] = ()  # beside the model itself: an ensemble


@dataclass(frozen=True, slots=True)
class Compressed:
    """A tower that is not saved yet, and each step on the way to it."""

    tower: Tower
    steps: tuple[Step, ...]
    notes: tuple[str, ...]


def teacher_steps(model: Pretrained, panel: Panel, bench: Bench) -> tuple[Step, ...]:
    """The teacher as it is, and in eight bits."""
    made = (
        _served("teacher", f"{model.name} in 32 bits", model, bench.cache, "float32"),
        _served("int8", "the same in 8 bits, each column with a size of its own", model, bench.cache, "int8"),
    )
    return tuple(panel.measure(one) for one in made)


def ensemble_steps(model: Pretrained, others: Sequence[Encoder], panel: Panel, bench: Bench) -> tuple[Step, ...]:
    """Each other teacher, and all of them as one: what the student is taught, and what serving that would cost."""
    if not others:
        return ()
    own = LanguageEncoder(model, bench.cache, "float32")
    told = f"{len(others) + 1} teachers side by side: the mean of their cosines"
    made = [
        *(
            Made(f"teacher {n}", one.fingerprint, one, _bytes_of(one), own=False)
            for n, one in enumerate(others, 2)
        ),
        Made("ensemble", told, Ensemble([own, *others]), sum(map(_bytes_of, (own, *others))), own=False),
    ]
    return tuple(panel.measure(one) for one in made)


def _bytes_of(encoder: Encoder) -> float:
    """Of its graph or table; NaN of one that has no files of its own."""
    files = files_of(encoder)
    return float(len(files[GRAPH if GRAPH in files else WEIGHTS])) if files else float("nan")


def to_table(model: Pretrained, lesson: Lesson, dim: int, panel: Panel, bench: Bench) -> Compressed:
    """A static table of the model."""
    tower, table = static_tower(model, lesson.texts, dim, bench)
    told = (
        f"a table of {len(table.rows):,} tokens x {table.rows.shape[1]}, tokens moved by ridge {table.strength:g}"
    )
    with tempfile.TemporaryDirectory(prefix="zhiyin-") as folder:
        save_tower(Path(folder) / "static", tower)
        encoder = StaticEncoder(find_pretrained("static", Path(folder)))
        step = panel.measure(Made("static", told, encoder, len(tower.files[WEIGHTS]), table.axes))
    note = f"on texts that it was not made of, the table's cosine to the teacher is {table.cosine:.3f}"
    return Compressed(tower, (step,), (note,) if np.isfinite(table.cosine) else ())


def to_smaller(model: Pretrained, lesson: Lesson, smaller: Smaller, panel: Panel, bench: Bench) -> Compressed:
    """A smaller net of the same family. Raises InvalidSettings for layers or shares that cannot be."""
    with tempfile.TemporaryDirectory(prefix="zhiyin-") as folder:
        chain = _Chain(LooseModel.of(model), panel, bench, Path(folder))
        if smaller.layers:
            chain.drop_layers(smaller.layers)
        if smaller.common is not None:
            chain.drop_tokens(lesson.texts, smaller.common)
        if smaller.sparsity:
            chain.drop_numbers(smaller.sparsity)
        if smaller.teaching.minutes:
            chain.teach(model, lesson, smaller.teaching)
    what = "\n".join(f"- {step.told}" for step in chain.steps)
    story = f"# A smaller model\n\nMade of {model.name} (sha256 {model.sha256}):\n\n{what}"
    return Compressed(chain.model.tower(story), tuple(chain.steps), tuple(chain.notes))


class _Chain:
    """A model on its way."""

    def __init__(self, model: LooseModel, panel: Panel, bench: Bench, folder: Path) -> None:
        self.model = model
        self.steps: list[Step] = []
        self.notes: list[str] = []
        self._panel, self._bench, self._folder = panel, bench, folder
        self._tries = 0

    def drop_layers(self, n: int) -> None:
        """Which go is tried out; the tries are gone afterwards."""
        n_tries = sum(range(n + 1, self.model.shape.layers + 1))
        self._bench.progress.start("trying which layers go", n_tries)
        kept = chosen_layers(self.model, n, self._worth)
        self._bench.progress.done()
        told = f"{n} of {self.model.shape.layers} layers stay: {', '.join(str(one + 1) for one in kept)}"
        self.model = with_layers(self.model, kept)
        self._measure("layers", told)

    def drop_tokens(self, texts: Sequence[str], common: int) -> None:
        before = len(self.model.weights[self.model.words])
        pruned = with_used_tokens(self.model, texts, common, np.random.default_rng(self._bench.seed))
        self.model = pruned.model
        self._measure("tokens", f"{len(pruned.kept):,} of {before:,} tokens stay")
        if np.isfinite(pruned.changed):
            self.notes.append(
                f"{pruned.changed:.1%} of texts that the tokens were not chosen by are divided otherwise now"
            )

    def drop_numbers(self, share: float) -> None:
        self.model = sparsified(self.model, share)
        self._measure("zeros", f"{zeros(self.model):.0%} of the numbers of the layers are zero")
        self.notes.append(
            "zeros make a packed file smaller, not a CPU faster: they are multiplied like other numbers"
        )

    def teach(self, model: Pretrained, lesson: Lesson, teaching: Teaching) -> None:
        from zhiyin.training.distil.student import taught as teach  # noqa: PLC0415  # torch: only where it is asked for

        texts = drawn(lesson.texts, MOST_TAUGHT, self._bench.seed)
        own = LanguageEncoder(model, self._bench.cache, "float32")
        rows = [
            CachedEncoder(one, self._bench.cache, self._bench.progress).encode(texts)
            for one in (own, *lesson.others)
        ]
        taught = teach(self.model, texts, rows, teaching, self._bench)
        self.model = taught.model
        self._measure("taught", f"taught by {len(rows)} of {len(texts):,} texts: {taught.told}")
        self.notes.append(
            f"cosine to what was taught, on held-out texts: {taught.before:.3f} before, {taught.after:.3f} after"
        )

    def _worth(self, model: LooseModel) -> float:
        """Mean cosine to the teacher on some texts."""
        self._tries += 1
        texts = self._panel.texts[:TRIED_BY]
        rows = self._encoder(f"try-{self._tries}", model, "float32").encode(texts)
        self._bench.progress.advance(self._tries)
        return float((rows * self._panel.rows[:TRIED_BY]).sum(axis=1).mean())

    def _measure(self, name: str, told: str) -> None:
        saved = self.model.saved(self._folder / name)
        self.steps.append(self._panel.measure(_served(name, told, saved, self._folder, "int8")))

    def _encoder(self, name: str, model: LooseModel, precision: Precision) -> LanguageEncoder:
        saved = model.saved(self._folder / name)
        with tempfile.TemporaryDirectory(prefix="zhiyin-") as graphs:
            encoder = LanguageEncoder(saved, Path(graphs), precision)
        rmtree(saved.folder)
        return encoder


def _served(name: str, told: str, model: Pretrained, cache: Path, precision: Precision) -> Made:
    encoder = LanguageEncoder(model, cache, precision)
    return Made(name, told, encoder, len(graph_in(cache, model, precision)))
