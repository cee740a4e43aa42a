"""Each kind of block alone gives in ONNX Runtime what it gives in Torch, at sizes that it was not traced at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.models.downsampling import Downsample2D
from torch import Tensor, nn

from engine.networks.image_encoder import resize_smoothly
from engine.networks.mpi_attention import MPIAttention, PlaneTokens, plane_tokens
from engine.networks.resampling import Doubling, upsample
from engine.networks.temporal import convolve_along_time
from engine.networks.transformer import TemporalBlock
from export.resizing import resize_by_matrices
from tests.export.graphs_on_disk import FRAMES, HEIGHT, WIDTH, run_graph, write_graph

WITHIN = {"fp32": 1e-5, "fp16": 6e-3}
"""Greatest difference of one block, of values around 1: sums in another order; eleven bits, ten times over."""


class PlainMPI(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = opened(MPIAttention(32, 2, 16))

    def forward(self, tokens: Tensor, strength_embedding: Tensor) -> Tensor:
        return self.attention(tokens, strength_embedding, None)


class PlanesMPI(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = opened(MPIAttention(32, 2, 16))

    def forward(self, maps: Tensor, strength_embedding: Tensor, features: Tensor, regions: Tensor) -> Tensor:
        planes: PlaneTokens = plane_tokens(features, regions, 1, 2)
        return self.attention(maps.flatten(2).transpose(1, 2), strength_embedding, planes)


class SkipLevel(nn.Module):
    """One level of the decoder: the skip is added, it is smoothed over time, and doubled."""

    def __init__(self) -> None:
        super().__init__()
        self.skip_conv = nn.Conv2d(16, 32, 1, bias=False)
        self.norm = nn.GroupNorm(8, 32)
        self.conv = nn.Conv2d(32, 32, 3, padding=1)
        self.over_time = nn.Conv3d(32, 32, (3, 1, 1), padding=(1, 0, 0))
        self.upsampler = nn.Conv2d(32, 8, 3, padding=1)

    def forward(self, x: Tensor, skip_0: Tensor) -> Tensor:
        x = self.skip_conv(skip_0).add_(x)
        x = self.conv(nn.functional.silu(self.norm(x), inplace=True))
        clip = x[None].transpose(1, 2)
        clip = torch.lerp(clip, convolve_along_time(self.over_time, clip), 0.3)
        return upsample(clip.transpose(1, 2).flatten(0, 1), self.upsampler)


class Resize(nn.Module):
    def forward(self, pictures: Tensor) -> Tensor:
        return resize_by_matrices(pictures, 224, 224)


def opened(attention: MPIAttention) -> MPIAttention:
    attention.ff_k = None
    for gate in (attention.alpha_attn, attention.alpha_dense):
        nn.init.constant_(gate, 0.7)
    return attention


@dataclass(frozen=True)
class Block:
    module: Callable[[], nn.Module]
    inputs: Callable[[int, int, int], Mapping[str, Tensor]]
    dynamic: tuple[Mapping[int, Any], ...]


MAPS = {0: FRAMES, 2: 8 * HEIGHT, 3: 8 * WIDTH}

BLOCKS = {
    "mpi attention, masks off": Block(
        PlainMPI,
        lambda t, _h, _w: {"tokens": torch.randn(t, 12, 32), "strength_embedding": torch.randn(t, 32)},
        ({0: FRAMES}, {0: FRAMES}),
    ),
    "mpi attention with planes": Block(
        PlanesMPI,
        lambda t, h, w: {
            "maps": torch.randn(t, 32, 4 * h, 4 * w),
            "strength_embedding": torch.randn(t, 32),
            "features": torch.randn(t, 16, 8 * h, 8 * w),
            "regions": torch.randint(0, 4, (t, 64 * h, 64 * w), dtype=torch.int32),
        },
        ({0: FRAMES, 2: 4 * HEIGHT, 3: 4 * WIDTH}, {0: FRAMES}, MAPS, {0: FRAMES, 1: 64 * HEIGHT, 2: 64 * WIDTH}),
    ),
    "temporal block": Block(
        lambda: TemporalBlock(32, 2, 16),
        lambda t, _h, _w: {"x": torch.randn(1, t, 10, 32), "context": torch.randn(1, 16)},
        ({1: FRAMES}, {}),
    ),
    "downsampler": Block(
        lambda: Downsample2D(32, use_conv=True, out_channels=32, padding=1, name="op"),
        lambda t, h, w: {"hidden_states": torch.randn(t, 32, 8 * h, 8 * w)},
        (MAPS,),
    ),
    "doubling": Block(lambda: Doubling(32), lambda t, h, w: {"maps": torch.randn(t, 32, 8 * h, 8 * w)}, (MAPS,)),
    "skip decoder": Block(
        SkipLevel,
        lambda t, h, w: {"x": torch.randn(t, 32, 8 * h, 8 * w), "skip_0": torch.randn(t, 16, 8 * h, 8 * w)},
        (MAPS, MAPS),
    ),
}


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_is_the_same_in_onnx_runtime(tmp_path: Path, name: str, precision: str) -> None:
    torch.manual_seed(0)
    block = BLOCKS[name]
    module = block.module().eval()
    path = write_graph(tmp_path, module, block.inputs(3, 2, 3), block.dynamic, precision)
    for frames, height, width in ((3, 2, 3), (2, 1, 1), (8, 3, 2), (1, 1, 2)):
        inputs = block.inputs(frames, height, width)
        with torch.no_grad():
            wanted = module(*(value.clone() for value in inputs.values())).numpy()
        found = run_graph(path, inputs)
        assert found.dtype == np.float32
        assert found.shape == wanted.shape
        assert np.abs(found - wanted).max() < WITHIN[precision]


@pytest.mark.parametrize("side", [64, 128, 448, 576, 1024, 2176])
def test_the_resize_by_matrices_is_the_image_encoder_s(side: int) -> None:
    pictures = torch.rand(1, 3, side, 192, generator=torch.Generator().manual_seed(side))
    assert (resize_by_matrices(pictures, 224, 224) - resize_smoothly(pictures, 224, 224)).abs().max() < 3e-6


def test_one_graph_resizes_every_size(tmp_path: Path) -> None:
    dynamic = ({0: FRAMES, 2: 64 * HEIGHT, 3: 64 * WIDTH},)
    path = write_graph(tmp_path, Resize(), {"pictures": torch.rand(2, 3, 128, 192)}, dynamic)
    for count, height, width in ((1, 64, 64), (2, 576, 1024), (1, 1024, 576)):
        pictures = torch.rand(count, 3, height, width)
        found = run_graph(path, {"pictures": pictures})
        assert np.abs(found - resize_smoothly(pictures, 224, 224).numpy()).max() < 3e-6
