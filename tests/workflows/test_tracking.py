"""Notes for TensorBoard and MLflow: written, and read back by other code than wrote them."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from small_shop import small_shop
from tensorboardX.crc32c import crc32c
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData

from zhiyin.errors import LogUnreachable, MissingExtra
from zhiyin.evaluation.posing import Terms
from zhiyin.evaluation.record import Evaluation, Gates
from zhiyin.workflows.evaluate import evaluate_bundle
from zhiyin.workflows.stories import evaluated_story, flat
from zhiyin.workflows.tracking import NOWHERE, Both, Mlflow, Point, Story, TensorBoard, open_log, rows_of
from zhiyin.workflows.train import train

pytestmark = pytest.mark.slow

HOSTILE = "../../up <b>\n@é"
STORY = Story(
    "films",
    "evaluate",
    "abc",
    {"taste.reg": 200.0, "off": "[]", "deep": True},
    {"ndcg@10": 0.5},
    (Point("accuracy/ndcg", 0.25, 5), Point("accuracy/ndcg", 0.5, 10), Point(HOSTILE, 1.5)),
    {"ease": (Point("accuracy/ndcg", 0.125, 5),)},
)


def masked(crc: int) -> int:
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def events_in(folder: Path) -> Iterator[Event]:
    """The records of the one event file in a folder: length, checksum, bytes, checksum."""
    (file,) = folder.glob("events.*")
    content = file.read_bytes()
    while content:
        (length, check), content = struct.unpack("<QI", content[:12]), content[12:]
        assert check == masked(crc32c(struct.pack("<Q", length)))
        body, content = content[:length], content[length + 4 :]
        yield Event.FromString(body)


def scalars_in(folder: Path) -> dict[str, list[tuple[int, float]]]:
    found: dict[str, list[tuple[int, float]]] = {}
    for event in events_in(folder):
        for value in event.summary.value:
            if value.WhichOneof("value") == "simple_value":
                found.setdefault(value.tag, []).append((event.step, value.simple_value))
    return found


def settings_in(folder: Path) -> dict[str, object]:
    for event in events_in(folder):
        for value in event.summary.value:
            start = HParamsPluginData.FromString(value.metadata.plugin_data.content).session_start_info
            if start.hparams:
                return {name: getattr(one, str(one.WhichOneof("kind"))) for name, one in start.hparams.items()}
    return {}


def test_a_story_is_read_back_from_tensorboard_files(tmp_path: Path) -> None:
    TensorBoard(tmp_path).write(STORY)
    run = tmp_path / "evaluate" / "abc"
    assert scalars_in(run) == {
        "result/ndcg_at_10": [(0, 0.5)],
        "accuracy/ndcg": [(5, 0.25), (10, 0.5)],
        "_/_/up__b___at__": [(0, 1.5)],
    }
    assert scalars_in(run / "ease") == {"accuracy/ndcg": [(5, 0.125)]}
    assert settings_in(run) == STORY.settings


def test_a_name_that_comes_again_gets_a_folder_of_its_own_and_none_leaves_the_log(tmp_path: Path) -> None:
    log = TensorBoard(tmp_path / "log")
    for name in ("abc", "abc", "abc", "../../up", ".."):
        log.write(replace(STORY, name=name))
    assert sorted(path.name for path in (tmp_path / "log" / "evaluate").iterdir()) == [
        "_", "____up", "abc", "abc-2", "abc-3",
    ]  # fmt: skip
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_an_evaluation_tells_every_measure_with_its_places_as_steps(
    evaluation: Evaluation, tmp_path: Path
) -> None:
    TensorBoard(tmp_path).write(evaluated_story(evaluation))
    run = tmp_path / "evaluate" / evaluation.bundle[:12]
    told, whole = scalars_in(run), evaluation.whole
    assert told["accuracy/ndcg"] == [
        (k, pytest.approx(whole.ours[f"ndcg@{k}"], rel=1e-6)) for k in (5, 10, 20, 50)
    ]
    assert [step for step, _ in told["beyond/novelty"]] == [10, 20]
    assert [step for step, _ in told["gates_warm/taste"]] == list(evaluation.gates.histories)
    assert {name for name in told if name.startswith("worth/")} == {f"worth/{name}" for name in evaluation.worth}
    for peer, numbers in whole.peers.items():
        values = dict(scalars_in(run / peer)["accuracy/recall"])
        assert values[10] == pytest.approx(numbers["recall@10"], rel=1e-6)
    assert settings_in(run) == dict(flat(evaluation.recipe))


def test_training_and_evaluating_are_noted(tmp_path: Path) -> None:
    log = TensorBoard(tmp_path / "log")
    with small_shop(tmp_path) as shop:
        made = train(shop, log=log)
        told = scalars_in(tmp_path / "log" / "train" / made.bundle[:12])
        assert told["result/events"] == [(0, made.n_events)]
        assert told["result/seconds/fitting"] == [(0, pytest.approx(made.seconds["fitting"]))]
        gates = Gates.of(shop.bundle(made.bundle).fitted.fusion)
        assert [value for _, value in told["gates_cold/taste"]] == pytest.approx(
            [by_kind[1] for by_kind in gates.channels["taste"]]
        )
        found = evaluate_bundle(shop, made.bundle, Terms(resamples=50), log)
        told = scalars_in(tmp_path / "log" / "evaluate" / made.bundle[:12])
        assert told["result/ndcg_at_10"] == [(0, pytest.approx(found.whole.ours["ndcg@10"], rel=1e-6))]


def test_what_is_asked_for_decides_where_runs_are_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert open_log(tmp_path) is NOWHERE
    assert open_log(tmp_path, tmp_path / "log") == Both([TensorBoard(tmp_path / "log")])
    (tmp_path / "zhiyin.toml").write_text('[tracking]\nlog_dir = "runs"\n')
    assert open_log(tmp_path) == Both([TensorBoard(tmp_path / "runs")])
    assert open_log(tmp_path, Path("other")) == Both([TensorBoard(Path("other"))])


def test_rows_of_a_story_have_each_step_once_in_order_and_say_what_tensorboard_is_told(tmp_path: Path) -> None:
    """What Weights & Biases gets, beside what another logger wrote of the same story."""
    assert rows_of(STORY) == [
        {"step": 0.0, "_/_/up__b___at__": 1.5},
        {"step": 5.0, "accuracy/ndcg": 0.25, "accuracy/ndcg/ease": 0.125},
        {"step": 10.0, "accuracy/ndcg": 0.5},
    ]
    TensorBoard(tmp_path).write(STORY)
    run = tmp_path / "evaluate" / "abc"
    told = {name: dict(points) for name, points in scalars_in(run).items() if not name.startswith("result/")}
    told |= {f"{name}/ease": dict(points) for name, points in scalars_in(run / "ease").items()}
    rows = {(name, row["step"]): value for row in rows_of(STORY) for name, value in row.items() if name != "step"}
    assert rows == {(name, step): value for name, points in told.items() for step, value in points.items()}


def test_weights_and_biases_that_is_not_installed_is_named_before_anything_is_done(tmp_path: Path) -> None:
    """In a process that cannot import it."""
    (tmp_path / "zhiyin.toml").write_text('[tracking]\nwandb = "offline"\n')
    code = (
        "import sys; sys.modules['wandb'] = None\n"
        "from pathlib import Path\nfrom zhiyin.workflows.tracking import open_log\nopen_log(Path(sys.argv[1]))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert f"{MissingExtra.__name__}: wandb is not installed: pip install 'zhiyin[wandb]'" in done.stderr


def test_a_missing_extra_is_named_before_anything_is_done() -> None:
    """In a process that cannot import it."""
    code = (
        "import sys; sys.modules['tensorboardX'] = None\n"
        "from pathlib import Path\nfrom zhiyin.workflows.tracking import open_log\nopen_log(Path(), Path('log'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert f"{MissingExtra.__name__}: tensorboardX is not installed: pip install 'zhiyin[log]'" in done.stderr


def test_an_mlflow_that_does_not_answer_is_told_of_at_once_and_its_password_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody listens on the first port."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ann:s3cret@127.0.0.1:1")
    with pytest.raises(LogUnreachable, match=r"http://127\.0\.0\.1:1/.*mlflow under \[tracking\]") as told:
        open_log(tmp_path)
    assert "s3cret" not in str(told.value)


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")  # in MLflow's own queries
def test_a_story_is_read_back_from_an_mlflow_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    log = open_log(tmp_path)
    assert log == Both([Mlflow(address)])
    log.write(STORY)
    many = {f"setting.{number}": "x" * 9_000 for number in range(250)}
    points = tuple(Point("accuracy/ndcg", 0.5, number) for number in range(2_500))
    log.write(replace(STORY, name="def", settings=many, points=points))
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=address)
    experiment = client.get_experiment_by_name("films")
    assert experiment is not None
    runs = {str(run.info.run_name): run for run in client.search_runs([experiment.experiment_id])}
    assert set(runs) == {"evaluate abc", "evaluate def"}
    run, data = runs["evaluate abc"], runs["evaluate abc"].data
    assert data.params == {"taste.reg": "200.0", "off": "[]", "deep": "True"}
    assert data.metrics["ndcg_at_10"] == 0.5
    history = client.get_metric_history(run.info.run_id, "accuracy/ndcg")
    assert sorted((point.step, point.value) for point in history) == [(5, 0.25), (10, 0.5)]
    assert data.metrics["accuracy/ndcg/ease"] == 0.125
    assert run.info.status == "FINISHED"
    large = runs["evaluate def"]
    assert set(large.data.params) == set(many)
    assert len(client.get_metric_history(large.info.run_id, "accuracy/ndcg")) == len(points)
