"""EfficientNet-Lite0: the numbers that its authors' net gives, from a graph that nobody has changed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from drawn import file_of, spots, stripes

from zhiyin.encoders.checkpoint import read_arrays
from zhiyin.encoders.images import CURE, WEIGHTS_SHA256, ImageEncoder, Lite0, graph_in, weights_file
from zhiyin.encoders.lite0 import EPSILON, MEAN, SCALE, blocks, folded
from zhiyin.encoders.pictures import Pixels
from zhiyin.errors import MissingExtra
from zhiyin.testing.encoders import ColourEncoder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("graph")


@pytest.fixture(scope="module")
def lite0(folder: Path) -> Lite0:
    return Lite0(folder, threads=2)


def drawn(encoder: ImageEncoder, n: int = 3) -> Pixels:
    return np.stack([encoder.look(file_of(draw(seed))) for draw in (stripes, spots) for seed in range(n)])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lite0", "colours"])
def test_rows_have_length_one_and_do_not_depend_on_their_neighbours(name: str, lite0: Lite0) -> None:
    encoder: ImageEncoder = lite0 if name == "lite0" else ColourEncoder()
    pixels = drawn(encoder, 9)
    rows = encoder.encode(pixels)
    assert (rows.shape, rows.dtype) == ((18, encoder.dim), np.float32)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1.0)
    assert np.array_equal(encoder.encode(pixels[17:]), rows[17:])
    assert encoder.encode(pixels[:0]).shape == (0, encoder.dim)


def test_pictures_of_a_kind_are_nearest_to_each_other(lite0: Lite0) -> None:
    rows = lite0.encode(drawn(lite0))
    kind, cosines = np.arange(6) // 3, rows @ rows.T - 2 * np.eye(6)
    assert (kind[cosines.argmax(axis=1)] == kind).all()


def test_a_batch_norm_is_folded_into_the_convolution_before_it() -> None:
    weights = {
        "c.weight": np.full((1, 1, 1, 1), 3.0, np.float32),
        "n.running_mean": np.array([2.0], np.float32),
        "n.running_var": np.array([4.0 - EPSILON], np.float32),
        "n.weight": np.array([5.0], np.float32),
        "n.bias": np.array([7.0], np.float32),
    }
    kernel, bias = folded(weights, "c", "n")  # 5 (3x - 2) / 2 + 7
    assert kernel.ravel().tolist() == pytest.approx([7.5])
    assert bias.tolist() == pytest.approx([2.0])


def test_the_net_has_sixteen_blocks_of_which_nine_add_what_came_in() -> None:
    found = list(blocks())
    assert (len(found), sum(block.adds for block in found)) == (16, 9)
    assert [block.stride for block in found].count(2) == 4
    assert [block.expands for block in found].count(False) == 1


def test_the_graph_is_kept_with_its_digest_and_its_licence(folder: Path, lite0: Lite0) -> None:
    (note,) = folder.glob("*.json")
    noted = json.loads(note.read_text())
    assert (noted["licence"], noted["weights"]) == ("Apache-2.0", WEIGHTS_SHA256)
    assert sorted(path.suffix for path in folder.iterdir()) == [".json", ".onnx"]


def test_a_graph_that_is_kept_is_used_without_the_package_that_made_it(
    folder: Path, lite0: Lite0, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    pixels = drawn(lite0, 1)
    assert np.array_equal(Lite0(folder, threads=1).encode(pixels), lite0.encode(pixels))


@pytest.mark.slow
def test_a_graph_that_was_changed_is_made_anew(tmp_path: Path) -> None:
    content = graph_in(tmp_path)
    (path,) = tmp_path.glob("*.onnx")
    path.write_bytes(content[:-1])
    assert graph_in(tmp_path) == content
    assert path.read_bytes() == content


@pytest.mark.parametrize("module", ["onnxruntime", "PIL.Image", "onnx"])
def test_without_the_extra_its_name_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=r"pip install 'zhiyin\[images\]'"):
        Lite0(tmp_path)


@pytest.mark.slow
def test_vectors_are_those_of_the_published_net_in_torch(lite0: Lite0) -> None:
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    published = torch.load(weights_file(), weights_only=True)
    ours = read_arrays(weights_file(), WEIGHTS_SHA256, CURE)
    assert all(np.array_equal(array, published[name].numpy()) for name, array in ours.items())
    net = EfficientNet.from_name("efficientnet-lite0")
    net.load_state_dict(published)
    net.eval()
    pixels = drawn(lite0, 4)
    with torch.no_grad():
        normed = (torch.from_numpy(pixels).permute(0, 3, 1, 2).float() - MEAN) / SCALE
        features = net.extract_features(normed).mean((2, 3)).numpy()
    theirs = features / np.linalg.norm(features, axis=1, keepdims=True)
    assert (theirs * lite0.encode(pixels)).sum(axis=1) == pytest.approx(1.0, abs=1e-5)
