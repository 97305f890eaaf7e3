"""The ways through a machine: the same network by torch and by OpenVINO, in either precision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata, util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from bstviz.audio import decode
from bstviz.encoders import runtime
from bstviz.encoders.aisfx import AiSFX, read_layers
from bstviz.encoders.runtime import Compiled, Forward, Layer, Precision, compiled, with_openvino, with_torch
from bstviz.paths import CACHE_VARIABLE
from tests.encoders.conftest import load_any

FAST = pytest.param(with_openvino, marks=pytest.mark.skipif(not util.find_spec("openvino"), reason="no extra fast"))
BUILDS = [with_torch, FAST]
PRECISIONS: list[Precision] = ["float32", "bfloat16"]
Build = Callable[[Sequence[Layer], Precision], Forward]


@pytest.fixture
def layers() -> list[Layer]:
    """Three layers of random weights, a pooling behind the second."""
    generator = torch.Generator().manual_seed(0)
    sizes = [(1, 8), (8, 16), (16, 12)]
    return [
        Layer(
            torch.randn(out, into, 3, 3, generator=generator) / (9 * into) ** 0.5,
            0.1 * torch.randn(out, generator=generator),
            pooled=place == 1,
        )
        for place, (into, out) in enumerate(sizes)
    ]


@pytest.fixture
def windows() -> Tensor:
    return torch.rand(3, 20, 16, generator=torch.Generator().manual_seed(1))


def by_modules(layers: Sequence[Layer], windows: Tensor) -> Tensor:
    """The network out of torch's modules, in float64."""
    x = windows[:, None].double()
    for layer in layers:
        conv = nn.Conv2d(layer.weight.shape[1], layer.weight.shape[0], 3, padding=1).double()
        conv.load_state_dict({"weight": layer.weight, "bias": layer.bias})
        x = nn.functional.relu(conv(x))
        x = nn.functional.max_pool2d(x, 2) if layer.pooled else x
    return x.mean(dim=3).max(dim=2).values.detach()


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize(("precision", "error"), [("float32", 1e-5), ("bfloat16", 2e-2)])
def test_each_way_computes_the_network(
    build: Build, precision: Precision, error: float, layers: list[Layer], windows: Tensor
) -> None:
    out = build(layers, precision)(windows)
    assert out.dtype == torch.float32
    np.testing.assert_allclose(out, by_modules(layers, windows), atol=error, rtol=error)


@pytest.mark.parametrize("build", BUILDS)
def test_in_bfloat16_the_first_layer_is_not_rounded(build: Build, layers: list[Layer]) -> None:
    """Of inputs that are one number in bfloat16, with weights that blow their differences up, the answers differ."""
    steep = [
        Layer(1_000 * layers[0].weight.abs(), -1_000 * 0.7 * layers[0].weight.abs().sum((1, 2, 3)), False),
        layers[1],
    ]
    inputs = torch.stack([torch.full((8, 8), 0.7), torch.full((8, 8), 0.7005)])
    assert (inputs.bfloat16()[0] == inputs.bfloat16()[1]).all()
    for out in (build(steep, "float32")(inputs), build(steep, "bfloat16")(inputs)):
        assert (out[0] - out[1]).abs().max() > 0.1


@pytest.mark.parametrize("build", BUILDS)
def test_several_threads_may_call_it(build: Build, layers: list[Layer], windows: Tensor) -> None:
    forward = build(layers, "float32")
    expected = forward(windows)
    with ThreadPoolExecutor(4) as pool:
        for out in pool.map(lambda _: forward(windows), range(16)):
            torch.testing.assert_close(out, expected)


def test_the_fastest_way_is_taken_named_and_remembered(
    layers: list[Layer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    asked: list[tuple[str, ...]] = []

    def last(question: str, ways: dict[str, Callable[[], object]]) -> str:
        asked.append(tuple(ways))
        return list(ways)[-1]

    monkeypatch.setattr(runtime, "fastest", last)
    monkeypatch.setattr(runtime, "has_bfloat16", lambda: True)
    monkeypatch.setattr(runtime.util, "find_spec", lambda name: None)
    torch_named = f"torch {torch.__version__}"
    assert compiled(layers, (20, 16), "test").via == f"{torch_named} bfloat16"
    assert asked.pop() == (f"{torch_named} float32", f"{torch_named} bfloat16")
    monkeypatch.setattr(runtime, "has_bfloat16", lambda: False)
    assert compiled(layers, (20, 16), "test").via == f"{torch_named} float32"
    assert not asked  # nothing to choose


@pytest.mark.skipif(not util.find_spec("openvino"), reason="no extra fast")
def test_with_the_extra_openvino_is_tried(layers: list[Layer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "fastest", lambda question, ways: list(ways)[-1])
    monkeypatch.setattr(runtime, "has_bfloat16", lambda: False)
    assert compiled(layers, (20, 16), "test").via == f"openvino {metadata.version('openvino')} float32"


@pytest.mark.data
@pytest.mark.parametrize("build", BUILDS)
def test_real_sounds_have_the_same_embeddings_by_every_way(build: Build, shared_data: Path) -> None:
    load_any("audio", "aisfx")
    network = read_layers()
    files = pd.read_csv(shared_data / "sounds" / "metadata.csv")["file"][::100]
    sounds = [decode.decode(shared_data / "sounds" / file).at(44_100) for file in files]
    expected = AiSFX(Compiled(with_torch(network, "float32"), "torch"), "0").embed(sounds)
    for precision in PRECISIONS:
        out = AiSFX(Compiled(build(network, precision), "other"), "0").embed(sounds)
        cosine = (out * expected).sum(1) / np.linalg.norm(out, axis=1) / np.linalg.norm(expected, axis=1)
        assert cosine.min() >= 0.9999
