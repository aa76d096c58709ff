"""Fit, judge, compare: one recipe on one question, beside all baselines, the same for every way to ask."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter

import numpy as np

from zhiyin.data.dataset import Dataset
from zhiyin.data.splits import Split
from zhiyin.metrics.judge import PerUser
from zhiyin.models.base import Run
from zhiyin.models.baselines import Peer, fit_baselines, left_out
from zhiyin.recipe import DefaultRecipe, Fitted
from zhiyin.types import Event
from zhiyin.workflows.buckets import Asked, People, bucket_sections
from zhiyin.workflows.comparing import Bootstrap, accuracy_names, means, section, values_of
from zhiyin.workflows.evaluation import FORMAT, Evaluation, Leak, Numbers, Question, Section
from zhiyin.workflows.judging import CHANNEL, OURS, WITHOUT, Systems, judge_all
from zhiyin.workflows.leaks import leaks
from zhiyin.workflows.online_check import online_share
from zhiyin.workflows.permuting import permuted
from zhiyin.workflows.posing import Posed, Terms, sample
from zhiyin.workflows.shelves import Shelf, shelf_names
from zhiyin.workflows.stars import star_section
from zhiyin.workflows.verdict import doubts, verdict

KS = (5, 10, 20, 50)
REPORTED = ("hr@10", "recall@10", "ndcg@10", "recall@20", "ndcg@20")


@dataclass(frozen=True, slots=True)
class Subject:
    """The recipe that is measured, and with what it is fitted."""

    recipe: DefaultRecipe
    run: Run
    bundle: str = ""
    cold: Mapping[str, Split] = field(default_factory=dict)  # carved apart, all fitted on one part
    people: People = field(default_factory=dict)  # what is known about those who are judged
    events: Iterable[Event] = ()  # the log with its texts, to look for leaks in


@dataclass(frozen=True, slots=True)
class _Trial:
    """One fit of the recipe and the baselines, and what everybody got."""

    fitted: Fitted
    peers: Mapping[str, Peer]
    judged: Mapping[str, PerUser]
    seconds: Numbers

    @property
    def side_by_side(self) -> dict[str, PerUser]:
        return {name: self.judged[name] for name in (OURS, *self.peers)}


def measure(posed: Posed, subject: Subject, terms: Terms, metrics: Sequence[str]) -> Evaluation:
    """`metrics` are what the protocol asks for; the first NDCG among them decides."""
    posed = replace(posed, split=sample(posed.split, terms.max_users or 0, subject.run.seed))
    split, bootstrap = posed.split, Bootstrap(terms.resamples, subject.run.seed)
    main = next((name for name in metrics if name.startswith("ndcg")), "ndcg@10")
    reported = tuple(dict.fromkeys((*metrics, *REPORTED)))
    ks = tuple(sorted({*KS, *(int(k) for name in metrics for k in re.findall(r"@(\d+)", name))}))
    found = leaks(posed, subject.events)
    test = permuted(split.fit, subject.recipe, subject.run, main, bootstrap) if terms.permute else None
    trial = _tried(split, subject, ks)
    whole = _whole(split, trial, ks, bootstrap)
    asked = Asked(split, trial.side_by_side, reported, main, bootstrap)
    buckets, gaps = bucket_sections(asked, subject.people)
    cold = _cold_sections(subject, reported, terms, bootstrap)
    return Evaluation(
        format=FORMAT,
        bundle=subject.bundle,
        recipe=subject.recipe.model_dump(mode="json"),
        seed=subject.run.seed,
        question=_question(posed, terms),
        main=main,
        reported=reported,
        whole=whole,
        buckets=buckets,
        gaps=gaps,
        cold=cold,
        channels=_means_of(CHANNEL, trial.judged, reported),
        without=_means_of(WITHOUT, trial.judged, reported),
        online=online_share(trial.fitted, subject.recipe, split, subject.run),
        stars=star_section(posed, trial.side_by_side, bootstrap),
        refused=tuple(Leak(leak.name, leak.words) for leak in found if leak.refused),
        warnings=tuple(Leak(leak.name, leak.words) for leak in found if not leak.refused) + doubts(test),
        permuted=test,
        verdict=tuple(verdict(main, whole, {**buckets, **cold})),
        notes=tuple(left_out(trial.peers)),
        seconds=trial.seconds,
        resamples=terms.resamples,
        per_user=tuple(trial.judged[OURS].values()[main].round(7).tolist()),
    )


def _tried(split: Split, subject: Subject, ks: tuple[int, ...], *, channels: bool = True) -> _Trial:
    began = perf_counter()
    fitted = subject.recipe.fit(split.fit, subject.run)
    fit = perf_counter()
    peers = fit_baselines(split.fit, subject.run, repeats=not len(split.masked.rows))
    both = perf_counter()
    judged = judge_all(split, Systems(fitted, peers, channels), ks, subject.run.progress)
    seconds = {"fit": fit - began, "fit_baselines": both - fit, "score_all": perf_counter() - both}
    return _Trial(fitted, peers, judged, {name: round(took, 3) for name, took in seconds.items()})


def _whole(split: Split, trial: _Trial, ks: tuple[int, ...], bootstrap: Bootstrap) -> Section:
    """Everybody, every metric, and what accuracy does not say."""
    judged, shelf = trial.side_by_side, Shelf.of(split, trial.fitted)
    values = {name: {**one.values(), **shelf.by_person(one)} for name, one in judged.items()}
    found = section(values, (*accuracy_names(ks), "auc", *shelf_names(ks)), bootstrap)
    return replace(
        found,
        ours={**found.ours, **shelf.of_all(judged[OURS])},
        peers={name: {**numbers, **shelf.of_all(judged[name])} for name, numbers in found.peers.items()},
    )


def _cold_sections(
    subject: Subject, metrics: Sequence[str], terms: Terms, bootstrap: Bootstrap
) -> dict[str, Section]:
    """One more fit, for all that was carved to be new."""
    if not subject.cold:
        return {}
    fit = next(iter(subject.cold.values())).fit
    fitted = subject.recipe.fit(fit, subject.run)
    peers = fit_baselines(fit, subject.run, repeats=False)
    ks = tuple(sorted({int(k) for name in metrics for k in re.findall(r"@(\d+)", name)}))
    found = {}
    for name, split in subject.cold.items():
        some = sample(split, terms.max_users or 0, subject.run.seed)
        judged = judge_all(some, Systems(fitted, peers, channels=False), ks, subject.run.progress)
        found[name] = section(values_of(judged, list(judged)), metrics, bootstrap)
    return found


def _means_of(prefix: str, judged: Mapping[str, PerUser], metrics: Sequence[str]) -> dict[str, Numbers]:
    """Of the systems whose names begin so, the rest of their names."""
    found: dict[str, Numbers] = {}
    for name, one in judged.items():
        if name.startswith(prefix):
            mean = means(one.values())
            found[name.removeprefix(prefix)] = {metric: mean[metric] for metric in metrics}
    return found


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


def split_digest(split: Split) -> str:
    """The same for two splits exactly when the same is fitted on, asked and wanted."""
    digest = hashlib.sha256()
    _add_dataset(digest, split.fit)
    for array in (split.users, split.past.indptr, split.past.rows, split.targets.indptr, split.targets.rows):
        digest.update(np.ascontiguousarray(array).tobytes())
    digest.update(split.masked.rows.tobytes() + np.packbits(split.candidates).tobytes())
    return digest.hexdigest()[:16]


def _add_dataset(digest: hashlib._Hash, data: Dataset) -> None:
    for id_ in data.items:
        digest.update(id_.encode() + b"\n")
    for array in (data.indptr, data.item_rows, data.weights, data.at):
        digest.update(np.ascontiguousarray(array).tobytes())
