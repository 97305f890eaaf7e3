"""A plain convolutional network on this machine: in torch or OpenVINO, in float32 or bfloat16, whichever is fastest.

Weights and arithmetic are the same each time; the answers differ by rounding. In bfloat16 activations and weights are
rounded to 8 bits, but not the input and the first layer, which would make nearly all of the error: there is one channel
of them, and 8 bits of a log-mel value are coarse.

OpenVINO (extra ``fast``) serves the processor only. Its graph is written here layer by layer, so that nothing is traced
or converted when the network is loaded, and nothing stored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib import metadata, util
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bstviz.jobs.fastest import fastest, has_bfloat16, processor_name

Precision = Literal["float32", "bfloat16"]
Forward = Callable[[Tensor], Tensor]
TRIAL = 2  # windows of a trial
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")


@dataclass(frozen=True, eq=False)
class Layer:
    """A 3 x 3 convolution of stride and padding 1 with its ReLU, and what is behind it: a max-pooling of 2 x 2, if any.

    Attributes:
        weight: (out, in, 3, 3) float32.
        bias: (out,) float32.
        pooled: Whether there is a pooling.
        read: Whether the embedding holds, behind what the last layer gives, the maximum and the deviation over the
            frames of this layer's mean over the bands.
    """

    weight: Tensor
    bias: Tensor
    pooled: bool
    read: bool = False


@dataclass(frozen=True, eq=False)
class Compiled:
    """A network ready to run.

    Attributes:
        forward: Embeddings (w, d) float32 on the processor of windows (w, frames, bands) float32; several threads may
            call it at a time.
        via: Runtime, version and precision.
    """

    forward: Forward
    via: str


def compiled(layers: Sequence[Layer], shape: tuple[int, int], name: str, device: str = "cpu") -> Compiled:
    """The network on its fastest way through this machine.

    Args:
        layers: From the input to the last; behind it stand the mean over the bands and the maximum over the frames.
        shape: Frames and bands of a window.
        name: What the network is called; with the processor, it names the answer that is kept of the trial.
        device: Torch device; on others than the processor it is torch in float32.
    """
    torch_named = f"torch {torch.__version__}"
    ways: dict[str, Callable[[], Forward]] = {f"{torch_named} float32": partial(with_torch, layers, "float32", device)}
    if device == "cpu":
        build: Callable[[Sequence[Layer], Precision], Forward] = with_torch
        runtime = torch_named
        if util.find_spec("openvino") is not None:
            build, runtime = with_openvino, f"openvino {metadata.version('openvino')}"
        for precision in PRECISIONS if has_bfloat16() else PRECISIONS[:1]:
            ways.setdefault(f"{runtime} {precision}", partial(build, layers, precision))
    built = cache(lambda via: ways[via]())  # those that are not tried are not built
    via = next(iter(ways))
    if len(ways) > 1:
        windows = torch.linspace(0, 1, TRIAL * shape[0] * shape[1]).view(TRIAL, *shape)
        where = f"{processor_name()}, {torch.get_num_threads()} threads"
        trials = {key: partial(_run, built, key, windows) for key in ways}
        via = fastest(f"{name} on {where}: {', '.join(ways)}", trials)
    return Compiled(built(via), via)


def _run(built: Callable[[str], Forward], via: str, windows: Tensor) -> Tensor:
    return built(via)(windows)


def with_torch(layers: Sequence[Layer], precision: Precision, device: str = "cpu") -> Forward:
    """The network in torch."""
    low = torch.bfloat16 if precision == "bfloat16" else torch.float32
    types = [torch.float32, *[low] * (len(layers) - 1)]
    held = [
        (layer.weight.to(device, dtype, memory_format=torch.channels_last), layer.bias.to(device, dtype))
        for layer, dtype in zip(layers, types, strict=True)
    ]

    @torch.inference_mode()
    def forward(windows: Tensor) -> Tensor:
        x = windows.to(device)[:, None].contiguous(memory_format=torch.channels_last)  # (w, 1, frames, bands)
        read: list[Tensor] = []
        for layer, (weight, bias) in zip(layers, held, strict=True):
            x = functional.conv2d(x.to(weight.dtype), weight, bias, padding=1).relu_()
            x = functional.max_pool2d(x, 2) if layer.pooled else x
            if layer.read:
                read.append(x.float().mean(3).cpu())
        return _embedding(x.float().mean(3).cpu(), read)

    return forward


def with_openvino(layers: Sequence[Layer], precision: Precision) -> Forward:
    """The network in OpenVINO, on as many threads as torch has now.

    OpenVINO rounds what it is given to bfloat16 as well. So that the first layer is exact all the same, a window comes
    as three channels: what bfloat16 holds of it, the rest, and the first again; and its weights as what bfloat16 holds
    of them, the same again, and the rest.
    """
    import openvino
    from openvino import opset13 as op

    split = precision == "bfloat16"
    given = op.parameter([-1, 3 if split else 1, -1, -1], np.float32)
    x = given
    weights = [layer.weight for layer in layers]
    if split:
        part = rounded(weights[0])
        weights[0] = torch.cat([part, part, weights[0] - part], 1)
    means = []
    for layer, weight in zip(layers, weights, strict=True):
        x = op.convolution(x, op.constant(weight.contiguous().numpy()), [1, 1], [1, 1], [1, 1], [1, 1])
        x = op.relu(op.add(x, op.constant(layer.bias.numpy()[None, :, None, None])))
        x = op.max_pool(x, [2, 2], [1, 1], [0, 0], [0, 0], [2, 2]).output(0) if layer.pooled else x
        if layer.read:
            means.append(op.reduce_mean(x, op.constant([3]), False))
    means.insert(0, op.reduce_mean(x, op.constant([3]), False))
    settings = {
        "INFERENCE_PRECISION_HINT": "bf16" if split else "f32",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False,  # processes side by side would be pinned to the same core
    }
    network = openvino.Core().compile_model(openvino.Model(means, [given], "network"), "CPU", settings)

    def forward(windows: Tensor) -> Tensor:
        x = windows[:, None]
        if split:
            part = rounded(x)
            x = torch.cat([part, x - part, part], 1)
        request = network.create_infer_request()  # one a call: a request serves one thread at a time
        answer = request.infer([x.contiguous().numpy()], share_inputs=True)
        last, *read = (torch.from_numpy(answer[i].copy()) for i in range(len(means)))
        return _embedding(last, read)

    return forward


def _embedding(last: Tensor, read: Sequence[Tensor]) -> Tensor:
    """Embeddings (w, d) of means over the bands, (w, channels, frames) each: of the last layer and of those read."""
    parts = [last.amax(2), *(part for means in read for part in (means.amax(2), means.std(2, correction=0)))]
    return torch.cat(parts, dim=1)


def rounded(x: Tensor) -> Tensor:
    """What bfloat16 holds of float32 values, as float32."""
    return x.bfloat16().float()
