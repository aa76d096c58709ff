"""Notes on runs for those who watch them elsewhere: TensorBoard files, an MLflow server, and Weights & Biases.

None is needed for anything, all are extras, and what they get is a copy: the bundle's manifest and evaluation
remain the record.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal, Protocol, Self

from zhiyin._extras import need
from zhiyin.errors import LogUnreachable
from zhiyin.settings import FILE, TrackingSettings
from zhiyin.settings_file import load_settings

if TYPE_CHECKING:
    from mlflow import MlflowClient

Verb = Literal["train", "evaluate", "tune", "adapt"]
Value = str | float | bool
MLFLOW_URI = "MLFLOW_TRACKING_URI"
MLFLOW_WAYS = {  # unless the environment says otherwise: MLflow takes these from nowhere else
    "MLFLOW_DISABLE_TELEMETRY": "true",  # nothing of a shop goes where nobody sent it
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # a server that is down is told of in seconds, not in minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",  # seconds
}
WANDB_WAYS = {"WANDB_ERROR_REPORTING": "false", "WANDB_SILENT": "true"}  # the same of Weights & Biases
STEP = "step"  # what its points are drawn over: it has one count of its own for all of a run
LONGEST, LONGEST_NAME = 500, 250  # signs of a setting and of a name that an MLflow server of any age takes
MOST = 10_000  # runs of one name
WORDS = (("@", "_at_"), ("+", "_or_more"))  # of ndcg@10 and of history 20+, signs that neither has in a name


@dataclass(frozen=True, slots=True)
class Point:
    """A value at a step: places of a list, events of a history, the number of a trial."""

    name: str
    value: float
    step: int = 0


@dataclass(frozen=True, slots=True)
class Story:
    """One run."""

    shop: str
    verb: Verb
    name: str  # of the run, such as a bundle's short name
    settings: Mapping[str, Value]  # dotted, as they were
    results: Mapping[str, float]  # what runs are compared by
    points: Sequence[Point] = ()
    others: Mapping[str, Sequence[Point]] = field(default_factory=dict)  # to lay beside it, by name


class Log(Protocol):
    """Where stories go."""

    def write(self, story: Story) -> None: ...


class Nowhere:
    """For those who watch no runs."""

    def write(self, story: Story) -> None:
        pass


NOWHERE = Nowhere()


@dataclass(frozen=True, slots=True)
class Both:
    """One after the other."""

    logs: Sequence[Log]

    def write(self, story: Story) -> None:
        for log in self.logs:
            log.write(story)


def open_log(folder: Path, log_dir: Path | None = None) -> Log:
    """What the settings in a folder, the variable MLFLOW_TRACKING_URI and `log_dir` ask for.

    Raises MissingExtra and LogUnreachable before any work is done, not after.
    """
    asked = load_settings(folder).tracking if (folder / FILE).is_file() else TrackingSettings()
    logs: list[Log] = []
    if log_dir or asked.log_dir:
        need("tensorboardX", extra="log")
        logs.append(TensorBoard(log_dir or folder / asked.log_dir))
    if address := asked.mlflow or os.environ.get(MLFLOW_URI, ""):
        logs.append(Mlflow.reached(address))
    if asked.wandb:
        logs.append(Wandb.reached(folder, asked.wandb))
    return Both(logs) if logs else NOWHERE


@dataclass(frozen=True, slots=True)
class TensorBoard:
    """Event files, a folder a run: FOLDER/evaluate/0123456789ab, and what is to lie beside it below."""

    folder: Path

    def write(self, story: Story) -> None:
        board = need("tensorboardX", extra="log")
        path = _free(self.folder / story.verb / _one_folder(story.name))
        results = {f"result/{_plain(name)}": value for name, value in story.results.items()}
        with board.SummaryWriter(str(path)) as writer:
            for summary in board.summary.hparams(dict(story.settings), results):
                writer.file_writer.add_summary(summary)
            _add(writer, [*(Point(name, value) for name, value in results.items()), *story.points])
        for name, points in story.others.items():
            with board.SummaryWriter(str(path / _one_folder(name))) as writer:
                _add(writer, points)


@dataclass(frozen=True, slots=True)
class Mlflow:
    """Runs of an experiment by the shop's name."""

    address: str  # http://…, sqlite:///…

    @classmethod
    def reached(cls, address: str) -> Self:
        """Raises MissingExtra, and LogUnreachable if nobody answers there."""
        for name, way in MLFLOW_WAYS.items():
            os.environ.setdefault(name, way)
        found = cls(address)
        with found._client() as client:
            client.search_experiments(max_results=1)
        return found

    def write(self, story: Story) -> None:
        entities, now = need("mlflow.entities", extra="mlflow"), int(time.time() * 1000)
        settings = [entities.Param(name, str(value)[:LONGEST]) for name, value in story.settings.items()]
        metrics = [entities.Metric(_plain(point.name), point.value, now, point.step) for point in _all(story)]
        with self._client() as client:
            experiment = client.get_experiment_by_name(story.shop)
            id_ = experiment.experiment_id if experiment else client.create_experiment(story.shop)
            name, tags = f"{story.verb} {story.name}", {"verb": story.verb}
            run = client.create_run(id_, run_name=name, tags=tags).info.run_id
            client.log_batch(run, metrics, settings)  # it sends no more at once than a server takes
            client.set_terminated(run)

    @contextmanager
    def _client(self) -> Iterator[MlflowClient]:
        """Raises LogUnreachable for all that MLflow complains of."""
        mlflow = need("mlflow", extra="mlflow")
        try:
            yield mlflow.MlflowClient(tracking_uri=self.address)
        except mlflow.exceptions.MlflowException as error:
            told = " ".join(re.sub(r"//[^/\s]*@", "//", str(error)).split())[:LONGEST]  # no password
            raise LogUnreachable(
                f"MLflow takes no note of this run, what was made is kept: {told} (where it is: mlflow under "
                f"[tracking] in {FILE}, or {MLFLOW_URI}; with neither nothing is noted)"
            ) from error


@dataclass(frozen=True, slots=True)
class Wandb:
    """Runs of a project by the shop's name; offline, they lie in FOLDER/wandb until `wandb sync` sends them."""

    folder: Path
    mode: Literal["offline", "online"]

    @classmethod
    def reached(cls, folder: Path, mode: Literal["offline", "online"]) -> Self:
        """Raises MissingExtra, and LogUnreachable online where nobody is signed in."""
        for name, way in WANDB_WAYS.items():
            os.environ.setdefault(name, way)
        wandb = need("wandb", extra="wandb")
        if mode == "online":
            with _told_by(wandb):
                wandb.Api(timeout=20).viewer  # noqa: B018  # asks who is signed in
        return cls(folder.resolve(), mode)

    def write(self, story: Story) -> None:
        wandb = need("wandb", extra="wandb")
        quiet = wandb.Settings(  # the story and nothing else: no code, no host, no output
            console="off", silent=True, save_code=False, disable_git=True, disable_code=True, x_disable_meta=True,
            x_disable_stats=True, x_disable_machine_info=True, x_save_requirements=False, host="zhiyin",
        )  # fmt: skip
        with (
            _told_by(wandb),
            wandb.init(
                project=_one_folder(story.shop), name=f"{story.verb} {story.name}", job_type=story.verb,
                config=dict(story.settings), dir=str(self.folder), mode=self.mode, reinit="create_new",
                settings=quiet,
            ) as run,
        ):  # fmt: skip
            run.define_metric("*", step_metric=STEP)
            for row in rows_of(story):
                run.log(dict(row))
            run.summary.update({_plain(name): value for name, value in story.results.items()})


@contextmanager
def _told_by(wandb: ModuleType) -> Iterator[None]:
    """Raises LogUnreachable for all that Weights & Biases complains of."""
    try:
        yield
    except (wandb.Error, OSError, ValueError) as error:  # ValueError: of a server that it has no key for
        told = " ".join(str(error).split())[:LONGEST]
        raise LogUnreachable(
            f"Weights & Biases takes no note of this run, what was made is kept: {told} (wandb login, or "
            f'wandb = "offline" under [tracking] in {FILE}; without it nothing is noted)'
        ) from error


def rows_of(story: Story) -> list[Mapping[str, float]]:
    """What is noted at each step, the step among it; ascending."""
    rows: dict[int, dict[str, float]] = {}
    for point in _points(story):
        rows.setdefault(point.step, {STEP: float(point.step)})[_plain(point.name)] = point.value
    return [rows[step] for step in sorted(rows)]


class _Writer(Protocol):
    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> object: ...


def _add(writer: _Writer, points: Iterable[Point]) -> None:
    for point in points:
        writer.add_scalar(_plain(point.name), point.value, point.step)


def _all(story: Story) -> Iterator[Point]:
    """What MLflow gets."""
    yield from (Point(name, value) for name, value in story.results.items())
    yield from _points(story)


def _points(story: Story) -> Iterator[Point]:
    """For those that lay nothing beside a run: the others are named."""
    yield from story.points
    for other, points in story.others.items():
        yield from (Point(f"{point.name}/{other}", point.value, point.step) for point in points)


def _plain(name: str) -> str:
    """Of signs that both take, and no path to elsewhere; ndcg@10 is ndcg_at_10."""
    for sign, word in WORDS:
        name = name.replace(sign, word)
    kept = re.sub(r"[^A-Za-z0-9_./-]", "_", name)[:LONGEST_NAME]
    return "/".join(part if part.strip(".") else "_" for part in kept.split("/"))


def _one_folder(name: str) -> str:
    """A name below the folder that it is put into, whatever it is made of."""
    return _plain(name).replace("/", "_")


def _free(path: Path) -> Path:
    """This folder, or one with a number where a run of that name was noted before."""
    names = (path, *(path.with_name(f"{path.name}-{number}") for number in range(2, MOST)))
    return next(name for name in names if not name.exists())
