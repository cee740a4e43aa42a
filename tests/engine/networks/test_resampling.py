from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from engine.networks.resampling import fold_upsampling, upsample, upsample_folded


def doubled_then_convolved(maps: torch.Tensor, conv: nn.Conv2d) -> torch.Tensor:
    doubled: torch.Tensor = conv(functional.interpolate(maps, scale_factor=2.0, mode="nearest"))
    return doubled


@pytest.mark.parametrize("size", [(1, 1), (1, 4), (5, 3), (8, 16)])
def test_it_is_the_convolution_of_the_doubled_picture_edges_included(size: tuple[int, int]) -> None:
    torch.manual_seed(1)
    conv = nn.Conv2d(6, 4, 3, padding=1, dtype=torch.float64)
    maps = torch.randn(2, 6, *size, dtype=torch.float64)
    torch.testing.assert_close(upsample(maps, conv), doubled_then_convolved(maps, conv), rtol=1e-12, atol=1e-12)


def test_weights_and_picture_get_the_same_gradients() -> None:
    torch.manual_seed(2)
    conv = nn.Conv2d(3, 5, 3, padding=1, dtype=torch.float64)
    maps = torch.randn(1, 3, 4, 6, dtype=torch.float64, requires_grad=True)
    wanted = (conv.weight, conv.bias, maps)
    ours = torch.autograd.grad(upsample(maps, conv).square().sum(), wanted)
    literal = torch.autograd.grad(doubled_then_convolved(maps, conv).square().sum(), wanted)
    torch.testing.assert_close(ours, literal)


def test_sixteen_products_take_the_place_of_thirty_six() -> None:
    conv = nn.Conv2d(8, 8, 3, padding=1)
    maps = torch.randn(1, 8, 6, 6)
    counts = []
    for way in (upsample, doubled_then_convolved):
        with FlopCounterMode(display=False) as counter:
            way(maps, conv)
        counts.append(counter.get_total_flops())
    assert counts[0] * 9 == counts[1] * 4


def test_a_half_precision_kernel_is_rounded_once() -> None:
    torch.manual_seed(3)
    weight = torch.randn(4, 4, 3, 3).to(torch.bfloat16)
    assert torch.equal(fold_upsampling(weight), fold_upsampling(weight.double()).to(torch.bfloat16))


def test_a_kernel_folded_beforehand_gives_the_same() -> None:
    torch.manual_seed(4)
    conv = nn.Conv2d(4, 4, 3, padding=1, bias=False)
    maps = torch.randn(1, 4, 3, 5)
    assert torch.equal(upsample_folded(maps, fold_upsampling(conv.weight), None), upsample(maps, conv))
