"""`zhiyin tune`: better settings for the recipe, found on the validation part, and as long a search for baselines.

What is found looks better on the validation part than it is: it was chosen there. The test part is asked at the
end, where it is wished for, and only about the best that each search found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace

import orjson

from zhiyin._extras import need
from zhiyin.evaluation.comparing import Bootstrap, section
from zhiyin.evaluation.posing import Posed, Terms, pose, sample
from zhiyin.evaluation.record import Section
from zhiyin.models.base import Run
from zhiyin.shop import Zhiyin
from zhiyin.workflows.amending import amend, toml_lines
from zhiyin.workflows.contenders import Contender, Task, contenders
from zhiyin.workflows.evaluate import OWN_METRICS, shop_terms
from zhiyin.workflows.searching import Budget, Searched, search
from zhiyin.workflows.shop_data import shop_data
from zhiyin.workflows.spaces import Values
from zhiyin.workflows.stories import tuned_story
from zhiyin.workflows.tracking import NOWHERE, Log

UNTUNED = "untuned"  # our recipe as it was, among those that the test part is asked about


@dataclass(frozen=True, slots=True)
class Wishes:
    """What can be asked of a tuning."""

    budget: Budget
    terms: Terms = field(default_factory=Terms)
    seed: int = 0
    test: bool = False  # also ask the test part


@dataclass(frozen=True, slots=True)
class Tuned:
    """All that the searches found on one question."""

    shop: str
    words: str  # the question
    metric: str
    budget: Budget
    searches: tuple[Searched, ...]  # ours first
    test: Section | None  # ours is the best found; beside it UNTUNED, and the best of each baseline

    @property
    def settings(self) -> Values:
        """What to change in zhiyin.toml, by dotted name."""
        return {f"recipe.{name}": value for name, value in self.searches[0].changes.items()}

    def lines(self) -> list[str]:
        """The same as it stands in zhiyin.toml."""
        return toml_lines(self.settings)

    def sentences(self) -> list[str]:
        """What is to be said beside the numbers."""
        said = [f"{self.words}: the best was chosen by these numbers, so they flatter it"]
        if not self.settings:
            said.append("nothing that was tried is better than the settings as they are")
        return said

    def to_json(self) -> bytes:
        return orjson.dumps({**asdict(self), "settings": dict(self.settings)}, option=orjson.OPT_INDENT_2)


def tune(shop: Zhiyin, wishes: Wishes, log: Log = NOWHERE) -> Tuned:
    """Search for each contender in turn with the same budget, going on where a search of this question stopped.

    Raises MissingExtra without Optuna, InvalidData where there is too little to measure by.
    """
    need("optuna", extra="tune")
    data, _ = shop_data(shop)
    terms, run = shop_terms(shop, wishes.terms), Run(shop.encoder(), wishes.seed, shop.progress)
    posed = pose(data, replace(terms, part="validation"))
    asked, everybody = _task(posed, terms, run), contenders(shop.settings.recipe, posed.split.fit)
    searches = tuple(search(asked, one, shop.settings.folder, wishes.budget) for one in everybody)
    test = None
    if wishes.test:
        test = _tested(_task(pose(data, replace(terms, part="test")), terms, run), everybody, searches, terms)
    found = Tuned(shop.settings.name, posed.words, asked.metric, wishes.budget, searches, test)
    log.write(tuned_story(found.shop, shop.settings.recipe, found.metric, searches))
    return found


def write_settings(shop: Zhiyin, found: Tuned) -> None:
    """Into the shop's zhiyin.toml. Raises InvalidSettings if it is written in a way that does not allow it."""
    if found.settings:
        amend(shop.settings.folder, found.settings)


def _task(posed: Posed, terms: Terms, run: Run) -> Task:
    return Task(sample(posed.split, terms.max_users or 0, terms.seed), OWN_METRICS[0], run)


def _tested(task: Task, everybody: Sequence[Contender], searches: Sequence[Searched], terms: Terms) -> Section:
    """The best of each, and ours as it was, before the test part."""
    chosen = {one.name: (one, found.best.values) for one, found in zip(everybody, searches, strict=True)}
    chosen[UNTUNED] = (everybody[0], everybody[0].start)
    values = {name: {task.metric: task.answer(*who)} for name, who in chosen.items()}
    return section(values, (task.metric,), Bootstrap(terms.resamples, terms.seed))
