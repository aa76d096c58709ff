"""`zhiyin compare`: champion against challenger, person by person, on one question.

What evaluations left with the bundles is enough where both met the same question. Where not, both can be measured
again on the shop as it is now, which takes two fits and more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zhiyin.bundle import SHORT, find_bundle, newest_in
from zhiyin.data.dataset import Doubles
from zhiyin.errors import BrokenBundle, InvalidData
from zhiyin.evaluation.comparing import Bootstrap
from zhiyin.evaluation.comparison import FORMAT, Comparison, Contender, People, Setting, Versus, versus
from zhiyin.evaluation.measuring import Measured
from zhiyin.evaluation.posing import Terms
from zhiyin.evaluation.record import Evaluation, attached
from zhiyin.evaluation.standings import WHOLE, load_standings
from zhiyin.evaluation.verdict import FEW, bounds
from zhiyin.shop import Zhiyin
from zhiyin.workflows.evaluate import examine
from zhiyin.workflows.stories import flat

AS_MUCH = 1e-9  # differences up to which a person got as much


@dataclass(frozen=True, slots=True)
class _Pair:
    """Both answers to one question."""

    champion: Measured
    challenger: Measured

    def of(self, metric: str, name: str = WHOLE, bucket: str | None = None) -> tuple[Doubles, Doubles]:
        """(U,) of both, person by person."""
        one, other = (side.standings[name].of(metric, bucket) for side in (self.champion, self.challenger))
        return one, other


def compare(
    shop: Zhiyin,
    champion: str | None = None,
    challenger: str | None = None,
    terms: Terms | None = None,
    *,
    again: bool = False,
) -> Comparison:
    """Two bundles by their names: without the first what is live, without the second the newest.

    `again` measures both anew; so does every question whose answers are not kept. Raises NotFound for a bundle
    that is not there, InvalidData if both are one or they were not asked the same.
    """
    terms = terms or Terms()
    folders = _two(shop, champion, challenger)
    pair = _asked(shop, folders, terms) if again or not terms.decides else _kept(shop, folders)
    live = shop.publication()
    return _compared(pair, live.bundle if live else "")


def _two(shop: Zhiyin, champion: str | None, challenger: str | None) -> tuple[Path, Path]:
    live = shop.publication()
    if champion is None and live is None:
        raise InvalidData("nothing is live to compare with: zhiyin compare CHAMPION CHALLENGER names two bundles")
    first = find_bundle(shop.bundles, champion or (live.bundle if live else ""))
    second = find_bundle(shop.bundles, challenger) if challenger else newest_in(shop.bundles)
    if first == second:
        raise InvalidData(
            f"{first.name[:SHORT]} is both the champion and the challenger: name two bundles, or zhiyin train "
            "another one"
        )
    return first, second


def _asked(shop: Zhiyin, folders: tuple[Path, Path], terms: Terms) -> _Pair:
    """Both measured now, on the same moment of the log."""
    champion, challenger = examine(shop, folders, terms)
    return _Pair(champion, challenger)


def _kept(shop: Zhiyin, folders: tuple[Path, Path]) -> _Pair:
    """Both as they were measured."""
    cure = f"zhiyin compare {folders[0].name[:SHORT]} {folders[1].name[:SHORT]} --again measures both"
    found = []
    for path in folders:
        evaluation = attached(shop.bundles, path.name)
        if evaluation is None:
            raise InvalidData(f"bundle {path.name[:SHORT]} was not measured: {cure}")
        found.append(Measured(evaluation, load_standings(shop.bundles, path.name)))
    for one in found:
        if one.standings[WHOLE].split != one.evaluation.question.split:
            short = one.evaluation.bundle[:SHORT]
            raise BrokenBundle(
                f"what bundle {short} got belongs to another evaluation than what is told of it: {cure}"
            )
    champion, challenger = found
    if champion.evaluation.question != challenger.evaluation.question:
        raise InvalidData(
            f"the two were asked different questions, {_told(champion.evaluation)}, and "
            f"{_told(challenger.evaluation)}: {cure} on the same data"
        )
    return _Pair(champion, challenger)


def _told(found: Evaluation) -> str:
    question = found.question
    return f"{found.bundle[:SHORT]} by {question.n_users:,} people after {question.n_fit_events:,} events"


def _compared(pair: _Pair, live: str) -> Comparison:
    champion, challenger = pair.champion.evaluation, pair.challenger.evaluation
    main = champion.main
    bootstrap = Bootstrap(min(champion.resamples, challenger.resamples), seed=0)
    metrics = _versus(((name, pair.of(name)) for name in _measures(pair)), bootstrap)
    buckets = _versus(((name, pair.of(main, bucket=name)) for name in _shared(pair)), bootstrap)
    cold = _versus(((name, pair.of(main, name)) for name in _carved(pair)), bootstrap)
    best = champion.whole.best_peer(main)
    return Comparison(
        format=FORMAT,
        shop=challenger.shop,
        champion=_contender(champion, live),
        challenger=_contender(challenger, live),
        question=challenger.question,
        main=main,
        metrics=metrics,
        buckets=buckets,
        cold=cold,
        people=people_of(*pair.of(main)),
        settings=tuple(_differences(champion.recipe, challenger.recipe)),
        baseline=best,
        baseline_value=champion.whole.peers[best][main],
        doubts=tuple(leak.words for leak in (*challenger.refused, *challenger.warnings)),
        refused=bool(challenger.refused),
        verdict=tuple(verdict_of(main, metrics[main], {**buckets, **cold})),
        versions=challenger.versions,
        resamples=bootstrap.resamples,
    )


def _versus(values: Iterable[tuple[str, tuple[Doubles, Doubles]]], bootstrap: Bootstrap) -> dict[str, Versus]:
    """By name; what nobody has a value of is left out."""
    found = ((name, versus(*both, bootstrap)) for name, both in values)
    return {name: one for name, one in found if one is not None}


def _measures(pair: _Pair) -> list[str]:
    """Those of accuracy that are reported, then those of the shelf; files have no order, evaluations do."""
    told = pair.champion.evaluation
    return [*told.reported, *(name for name in told.whole.ours if name in pair.champion.standings[WHOLE].shelf)]


def _shared(pair: _Pair) -> list[str]:
    both = [side.standings[WHOLE].buckets for side in (pair.champion, pair.challenger)]
    return [name for name in pair.champion.evaluation.buckets if all(name in buckets for buckets in both)]


def _carved(pair: _Pair) -> list[str]:
    """What was carved apart alike for both."""
    splits = [
        {(name, one.split) for name, one in side.standings.items()} for side in (pair.champion, pair.challenger)
    ]
    return sorted(name for name, _ in splits[0] & splits[1] if name != WHOLE)


def people_of(champion: Doubles, challenger: Doubles) -> People:
    """Of (U,) values of the same people, NaN for those who have none."""
    gain = challenger - champion
    better, worse = int((gain > AS_MUCH).sum()), int((gain < -AS_MUCH).sum())
    return People(better, int(np.isfinite(gain).sum()) - better - worse, worse)


def _contender(found: Evaluation, live: str) -> Contender:
    return Contender(found.bundle, found.bundle == live, found.seed, found.recipe, found.seconds["fit"])


def _differences(champion: Mapping[str, object], challenger: Mapping[str, object]) -> Iterator[Setting]:
    one, other = dict(flat(champion)), dict(flat(challenger))
    for name in dict.fromkeys((*one, *other)):
        if one.get(name) != other.get(name):
            yield Setting(name, str(one.get(name, "")), str(other.get(name, "")))


def verdict_of(main: str, whole: Versus, parts: Mapping[str, Versus]) -> Iterator[str]:
    """A sentence about everybody, and one about each part in which a difference is shown."""
    numbers = f"on {main}: {whole.challenger:.4f} against {whole.champion:.4f}"
    shown = f"the interval of the difference {bounds(whole.gain)}"
    if way := _way(whole):
        yield f"the challenger is {way} {numbers}; {shown} is {'above' if way == 'better' else 'below'} 0"
    else:
        yield f"no difference is shown {numbers}; {shown} holds 0"
    for name, part in parts.items():
        way = _way(part)
        if way and part.n_users >= FEW:
            yield (
                f"{name.replace('_', ' ')} ({part.n_users:,} people): {way}, {part.challenger:.4f} against "
                f"{part.champion:.4f}; the interval of the difference is {bounds(part.gain)}"
            )


def _way(part: Versus) -> str:
    return "better" if part.gain.low > 0 else "worse" if part.gain.high < 0 else ""
