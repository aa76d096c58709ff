"""Fit, judge, compare: one recipe on one question, beside all baselines, the same for every way to ask."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Self

import numpy as np

from zhiyin.bundle import versions
from zhiyin.data.splits import Split
from zhiyin.evaluation.buckets import Asked, People, bucket_sections, target_masks
from zhiyin.evaluation.comparing import Bootstrap, accuracy_names, as_gain, means, section, values_of
from zhiyin.evaluation.judging import CHANNEL, OURS, WITHOUT, Guests, Systems, judge_all, judge_listed, nobody
from zhiyin.evaluation.leaks import Found, leaks
from zhiyin.evaluation.online_check import online_share
from zhiyin.evaluation.permuting import permuted
from zhiyin.evaluation.posing import Posed, Terms, sample
from zhiyin.evaluation.record import FORMAT, Evaluation, Gain, Gates, Leak, Numbers, Permuted, Question, Section
from zhiyin.evaluation.shelves import Shelf, shelf_names
from zhiyin.evaluation.standings import WHOLE, Standing, Standings, split_digest
from zhiyin.evaluation.stars import star_section
from zhiyin.evaluation.verdict import doubts, verdict
from zhiyin.metrics.judge import PerUser
from zhiyin.models.base import Run
from zhiyin.models.baselines import Peer, fit_baselines, left_out
from zhiyin.recipe import DefaultRecipe, Fitted
from zhiyin.types import Event

KS = (5, 10, 20, 50)
REPORTED = ("hr@10", "recall@10", "ndcg@10", "recall@20", "ndcg@20")


@dataclass(frozen=True, slots=True)
class Subject:
    """The recipe that is measured, and with what it is fitted."""

    recipe: DefaultRecipe
    run: Run
    shop: str  # its name, or that of the data folder
    bundle: str = ""
    cold: Mapping[str, Split] = field(default_factory=dict)  # carved apart, all fitted on one part
    people: People = field(default_factory=dict)  # what is known about those who are judged
    events: Iterable[Event] = ()  # the log with its texts, to look for leaks in
    guests: Guests = nobody  # systems that are asked elsewhere and answer with lists


@dataclass(frozen=True, slots=True)
class _Trial:
    """One fit of the recipe and the baselines, and what everybody got."""

    fitted: Fitted
    peers: Mapping[str, Peer]
    judged: Mapping[str, PerUser]
    seconds: Numbers
    guests: Mapping[str, PerUser]

    @property
    def scored(self) -> dict[str, PerUser]:
        """Those that ranked everything."""
        return {name: self.judged[name] for name in (OURS, *self.peers)}

    @property
    def side_by_side(self) -> dict[str, PerUser]:
        return {**self.scored, **self.guests}


@dataclass(frozen=True, slots=True)
class Measured:
    """What is told of everybody together, and what every single one got."""

    evaluation: Evaluation
    standings: Standings


@dataclass(frozen=True, slots=True)
class _Metrics:
    """What is measured by."""

    main: str  # decides
    reported: tuple[str, ...]
    ks: tuple[int, ...]

    @classmethod
    def of(cls, metrics: Sequence[str]) -> Self:
        reported = tuple(dict.fromkeys((*metrics, *REPORTED)))
        ks = {*KS, *(int(k) for name in reported for k in re.findall(r"@(\d+)", name))}
        return cls(next((m for m in metrics if m.startswith("ndcg")), "ndcg@10"), reported, tuple(sorted(ks)))


@dataclass(frozen=True, slots=True)
class _Asked:
    """A recipe before a question."""

    posed: Posed
    subject: Subject
    terms: Terms
    by: _Metrics

    @property
    def bootstrap(self) -> Bootstrap:
        return Bootstrap(self.terms.resamples, self.terms.seed)


@dataclass(frozen=True, slots=True)
class _Doubts:
    """How far what is measured can be trusted."""

    leaks: tuple[Found, ...]
    permuted: Permuted | None

    @property
    def refused(self) -> tuple[Leak, ...]:
        return tuple(Leak(leak.name, leak.words) for leak in self.leaks if leak.refused)

    @property
    def warnings(self) -> tuple[Leak, ...]:
        seen = tuple(Leak(leak.name, leak.words) for leak in self.leaks if not leak.refused)
        return seen + doubts(self.permuted)


def measure(posed: Posed, subject: Subject, terms: Terms, metrics: Sequence[str]) -> Measured:
    """`metrics` are what the protocol asks for; the first NDCG among them decides."""
    posed = replace(posed, split=sample(posed.split, terms.max_users or 0, terms.seed))
    asked = _Asked(posed, subject, terms, _Metrics.of(metrics))
    doubted = _doubts(asked)
    trial = _tried(posed.split, subject, asked.by.ks)
    shelf, ours = Shelf.of(posed.split, trial.fitted), trial.judged[OURS]
    cold, apart = _cold_sections(asked, trial.fitted.recipe)
    told = {name: values.astype(np.float32) for name, values in shelf.by_person(ours).items()}
    buckets = target_masks(posed.split, subject.people)
    standing = Standing(split_digest(posed.split), ours.ranks, buckets, told)
    whole = _whole(trial, shelf, asked.by, asked.bootstrap)
    evaluation = _evaluation(asked, trial, doubted, whole, cold)
    return Measured(evaluation, {WHOLE: standing, **apart})


def _evaluation(
    asked: _Asked, trial: _Trial, doubted: _Doubts, whole: Section, cold: Mapping[str, Section]
) -> Evaluation:
    subject, by, bootstrap, split = asked.subject, asked.by, asked.bootstrap, asked.posed.split
    judged = Asked(split, trial.side_by_side, by.reported, by.main, bootstrap)
    buckets, gaps = bucket_sections(judged, subject.people)
    return Evaluation(
        format=FORMAT,
        shop=subject.shop,
        bundle=subject.bundle,
        recipe=subject.recipe.model_dump(mode="json"),
        seed=subject.run.seed,
        question=_question(asked.posed, asked.terms),
        main=by.main,
        reported=by.reported,
        whole=whole,
        buckets=buckets,
        gaps=gaps,
        cold=cold,
        channels=_means_of(CHANNEL, trial.judged, by.reported),
        without=_means_of(WITHOUT, trial.judged, by.reported),
        worth=_over(WITHOUT, trial.judged, by.main, bootstrap),
        alone=_over(CHANNEL, trial.judged, by.main, bootstrap),
        gates=Gates.of(trial.fitted.fusion),
        online=online_share(trial.fitted, subject.recipe, split, subject.run),
        stars=star_section(asked.posed, trial.scored, bootstrap),
        refused=doubted.refused,
        warnings=doubted.warnings,
        permuted=doubted.permuted,
        verdict=tuple(verdict(by.main, whole, {**buckets, **cold})),
        notes=(*left_out(trial.peers), *_idle(trial.fitted, subject)),
        seconds=trial.seconds,
        versions=versions() | {"encoder": subject.run.encoder.fingerprint},
        resamples=asked.terms.resamples,
    )


def _doubts(asked: _Asked) -> _Doubts:
    found = leaks(asked.posed, asked.subject.events)
    if not asked.terms.permute:
        return _Doubts(found, None)
    recipe, run = asked.subject.recipe, asked.subject.run
    return _Doubts(found, permuted(asked.posed.split.fit, recipe, run, asked.by.main, asked.bootstrap))


def _tried(split: Split, subject: Subject, ks: tuple[int, ...], *, channels: bool = True) -> _Trial:
    began = perf_counter()
    fitted = subject.recipe.fit(split.fit, subject.run)
    fit = perf_counter()
    peers = fit_baselines(split.fit, subject.run, repeats=not len(split.masked.rows))
    both = perf_counter()
    judged = judge_all(split, Systems(fitted, peers, channels), ks, subject.run.progress)
    seconds = {"fit": fit - began, "fit_baselines": both - fit, "score_all": perf_counter() - both}
    guests = {name: judge_listed(split, listed, ks) for name, listed in subject.guests(split).items()}
    return _Trial(fitted, peers, judged, {name: round(took, 3) for name, took in seconds.items()}, guests)


def _whole(trial: _Trial, shelf: Shelf, by: _Metrics, bootstrap: Bootstrap) -> Section:
    """Everybody, every metric, and what accuracy does not say."""
    judged = trial.side_by_side
    values = {name: {**one.values(), **shelf.by_person(one)} for name, one in judged.items()}
    found = section(values, (*accuracy_names(by.ks), "auc", *shelf_names(by.ks)), bootstrap)
    return replace(
        found,
        ours={**found.ours, **shelf.of_all(judged[OURS])},
        peers={name: {**numbers, **shelf.of_all(judged[name])} for name, numbers in found.peers.items()},
    )


def _cold_sections(asked: _Asked, settled: DefaultRecipe) -> tuple[dict[str, Section], dict[str, Standing]]:
    """One more fit, for all that was carved to be new. Its gates are learned anew; its constants are those that
    the fit of the whole `settled`, a dozen numbers that know of no item and nobody."""
    subject, terms = asked.subject, asked.terms
    sections: dict[str, Section] = {}
    standings: dict[str, Standing] = {}
    if not subject.cold:
        return sections, standings
    fit = next(iter(subject.cold.values())).fit
    fitted = settled.as_proven().fit(fit, subject.run)
    peers = fit_baselines(fit, subject.run, repeats=False)
    for name, split in subject.cold.items():
        some = sample(split, terms.max_users or 0, terms.seed)
        judged = judge_all(some, Systems(fitted, peers, channels=False), asked.by.ks, subject.run.progress)
        sections[name] = section(values_of(judged, list(judged)), asked.by.reported, asked.bootstrap)
        standings[name] = Standing(split_digest(some), judged[OURS].ranks, {}, {})
    return sections, standings


def _over(prefix: str, judged: Mapping[str, PerUser], main: str, bootstrap: Bootstrap) -> dict[str, Gain]:
    """What all channels gain over each of the systems whose names begin so, by the rest of their names."""
    values = values_of(judged, [name for name in judged if name == OURS or name.startswith(prefix)])
    gained = {name: values[OURS][main] - of[main] for name, of in values.items() if name != OURS}
    return {name.removeprefix(prefix): as_gain(found) for name, found in bootstrap.of(gained).items()}


def _means_of(prefix: str, judged: Mapping[str, PerUser], metrics: Sequence[str]) -> dict[str, Numbers]:
    """Of the systems whose names begin so, the rest of their names."""
    found: dict[str, Numbers] = {}
    for name, one in judged.items():
        if name.startswith(prefix):
            mean = means(one.values())
            found[name.removeprefix(prefix)] = {metric: mean[metric] for metric in metrics}
    return found


def _idle(fitted: Fitted, subject: Subject) -> Iterator[str]:
    """Which channels did not earn their place."""
    if idle := fitted.recipe.idle_beside(subject.recipe):
        yield f"left out, for held-out events are as well off without: {', '.join(idle)}"


def _question(posed: Posed, terms: Terms) -> Question:
    split = posed.split
    return Question(
        rule=posed.rule,
        words=posed.words,
        split=split_digest(split),
        fit="refit" if terms.refit else "strict",
        history_filtered=bool(len(split.masked.rows)),
        n_users=len(split),
        n_targets=len(split.targets.rows),
        n_candidates=int(split.candidates.sum()),
        n_fit_events=len(split.fit),
    )
