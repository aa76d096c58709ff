"""The part `learned`: what the log taught about whom else to show, an addend in what is known of a candidate.

    part_i = a · (s_i − max s) + b · log(1 + taken_i) + c · new_i + (y_i − centre) · u

s is the sum of all other parts, taken_i how often i was taken when the bundle was fitted, new_i whether it was
too new then to be fitted on, y_i what the encoder read. It comes last, to the candidates that are there: so the
lists that are served are those that the log was asked about (zhiyin.workflows.learn_policy). The directions are
those of an encoder; beside a bundle of another one the part is left out, and lists do not carry its name.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import orjson

from zhiyin.data.dataset import Doubles, Floats, Mask
from zhiyin.errors import BrokenBundle
from zhiyin.ranking.fusion import Parts
from zhiyin.types import LATEST, QUESTIONS, SIMILAR, TRENDING

PART, FOLDER = "learned", "policies"
FORM = 1  # of the file
SILENT = (TRENDING, LATEST, SIMILAR, QUESTIONS)  # scenarios whose scores are of another kind


@dataclass(frozen=True, slots=True)
class Traits:
    """What is known of k candidates beside their scores."""

    vectors: Floats  # (k, E) unit rows, as the encoder read them; 0 of what has no text
    taken: Doubles  # (k,) decayed counts, as of the fit of the bundle
    new: Mask  # (k,) too new then to be fitted on

    @property
    def plain(self) -> Doubles:
        """(k, 2) those that are no vector."""
        return np.column_stack([np.log1p(self.taken), self.new])


@dataclass(frozen=True, slots=True)
class Learned:
    """A part that a log taught."""

    name: str  # of the file, which ends in the digest of what is in it
    encoder: str  # fingerprint
    score: float  # a, above -1: the order of scores is not turned round
    plain: Doubles  # (2,) b and c
    centre: Doubles  # (E,)
    direction: Doubles  # (E,) u
    story: str  # what it was taught by and how it was judged, in one line

    def speaks(self, encoder: str, scenario: str) -> bool:
        """Whether it knows what this encoder reads, and has a say where people are shown things."""
        return encoder == self.encoder and scenario not in SILENT

    def added(self, scores: Doubles, traits: Traits) -> Doubles:
        """(k,) to the scores of candidates."""
        return self.score * behind(scores) + self._alone(traits)

    def without(self, scores: Doubles, traits: Traits) -> Doubles:
        """(k,) the scores that became these when it was added."""
        before = scores - self._alone(traits)
        return before - self.score / (1.0 + self.score) * behind(before)

    def _alone(self, traits: Traits) -> Doubles:
        """What does not hang on the scores."""
        told = (traits.vectors != 0).any(axis=1)  # what has no text lies at the centre
        meant = np.where(told, (traits.vectors - self.centre) @ self.direction, 0.0)
        return traits.plain @ self.plain + meant

    def beside(self, parts: Parts, traits: Traits) -> Parts:
        """These parts and that of the log."""
        added = self.added(parts.scores, traits)
        return Parts((*parts.names, PART), np.vstack([parts.values, added]), {**parts.gates, PART: 1.0})

    def save(self, folder: Path) -> Path:
        """Write it under its name. Files are never changed: the name is that of what is in them."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / self.name
        path.write_bytes(_content(self))
        return path

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises BrokenBundle where there is no such file, or it was changed."""
        cure = 'zhiyin train policy makes one, policy.learned names it; policy.learned = "" does without'
        try:
            content = path.read_bytes()
        except OSError as error:
            raise BrokenBundle(f"{path} cannot be read ({error.strerror}): {cure}") from None
        if not path.stem.endswith(_digest(content)):
            raise BrokenBundle(
                f"{path} holds something of the digest {_digest(content)}, not what its name says: {cure}"
            )
        told = orjson.loads(content)
        if told["form"] != FORM:
            raise BrokenBundle(f"{path} is of the form {told['form']}, here {FORM} is read: {cure}")
        return cls(
            name=path.name,
            encoder=told["encoder"],
            score=float(told["score"]),
            plain=np.array(told["plain"], np.float64),
            centre=_numbers(told["centre"]),
            direction=_numbers(told["direction"]),
            story=told["story"],
        )


def behind(scores: Doubles) -> Doubles:
    """(k,) how far below the best, none above 0."""
    return scores - scores.max() if len(scores) else scores


def learned_of(
    encoder: str, score: float, plain: Doubles, directions: tuple[Doubles, Doubles], story: str
) -> Learned:
    """With the name that it has by its content; `directions`: centre and u."""
    unnamed = Learned("", encoder, score, plain, *directions, story)
    return Learned(f"learned-{_digest(_content(unnamed))}.json", encoder, score, plain, *directions, story)


def _content(learned: Learned) -> bytes:
    told = {
        "form": FORM,
        "encoder": learned.encoder,
        "score": learned.score,
        "plain": learned.plain.tolist(),
        "centre": base64.b64encode(learned.centre.astype("<f8").tobytes()).decode(),
        "direction": base64.b64encode(learned.direction.astype("<f8").tobytes()).decode(),
        "story": learned.story,
    }
    return orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)


def _numbers(said: str) -> Doubles:
    return np.frombuffer(base64.b64decode(said), "<f8").astype(np.float64)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
