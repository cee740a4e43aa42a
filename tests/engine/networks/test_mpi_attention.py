from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from engine.networks.mpi_attention import MPIAttention, PlaneTokens, attend, plane_tokens
from tests.engine.networks import literal
from tests.engine.networks.unet_samples import assert_same, blocky_regions, open_up

WIDTH, HEADS, PLANE_WIDTH = 64, 2, 32


@pytest.fixture(scope="module", autouse=True)
def _no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


@pytest.fixture
def fuser() -> MPIAttention:
    torch.manual_seed(1)
    module = MPIAttention(WIDTH, HEADS, PLANE_WIDTH)
    open_up(module)
    return module


def tokens(frames: int, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(2)
    return torch.randn(frames, count, WIDTH), torch.rand(frames, 32) * 2 - 1


@pytest.mark.parametrize("stride", [1, 2, 4, 8])
@pytest.mark.parametrize("size", [(16, 8), (8, 24)])
def test_it_is_the_released_one_at_every_level(fuser: MPIAttention, size: tuple[int, int], stride: int) -> None:
    height, width = size
    x, strength = tokens(2, height * width // stride**2)
    maps, regions = torch.randn(2, PLANE_WIDTH, height, width), blocky_regions(1, 2, 8 * height, 8 * width)[0]
    for nearest in (0, 1, 2, None):
        mask = (regions <= (3 if nearest is None else nearest)).float()
        ours = fuser(x, strength, plane_tokens(maps, regions, nearest, stride))
        assert_same(ours, literal.mpi_attention(fuser, x, strength, (maps, mask)))


def test_masks_off_is_every_plane_masked(fuser: MPIAttention) -> None:
    x, strength = tokens(2, 12)
    off = fuser(x, strength, None)
    assert_same(off, literal.mpi_attention(fuser, x, strength, None))
    keys = torch.cat((torch.ones(2, 1, 1, 12), torch.zeros(2, 1, 1, 12)), -1).bool()
    assert_same(fuser(x, strength, PlaneTokens(torch.randn(2, 12, PLANE_WIDTH), keys)), off)


def test_a_cell_is_near_when_three_of_its_four_middle_pixels_are() -> None:
    regions = torch.zeros(1, 8, 40, dtype=torch.uint8)
    middles = [[], [(3, 3)], [(3, 3), (4, 4)], [(3, 3), (3, 4), (4, 3)]]
    for cell, far in enumerate(middles):
        for row, column in far:
            regions[0, row, 8 * cell + column] = 2
    regions[0, [0, 7], 32:] = 3
    keys = plane_tokens(torch.zeros(1, 4, 1, 5), regions, 1, 1).keys
    assert keys is not None
    assert keys[0, 0, 0].tolist() == [True] * 5 + [True, True, False, False, True]


def test_closed_gates_leave_only_the_strength(fuser: MPIAttention) -> None:
    x, strength = tokens(2, 6)
    fuser.alpha_attn.zero_()
    fuser.alpha_dense.zero_()
    torch.testing.assert_close(fuser(x, strength, None), x + fuser.k_encoder(strength)[:, None])


def test_a_new_one_has_closed_gates() -> None:
    new = MPIAttention(WIDTH, HEADS, PLANE_WIDTH)
    assert new.alpha_attn == new.alpha_dense == 0
    assert new.alpha_attn.shape == ()


def test_attention_is_diffusers_own(fuser: MPIAttention) -> None:
    x, _ = tokens(2, 12)
    torch.testing.assert_close(attend(fuser.mpi_attn, x, x), fuser.mpi_attn(x))


def test_only_the_visual_tokens_ask(fuser: MPIAttention) -> None:
    """Of the 2 N by 2 N products of the released network a quarter is left with masks off, and half with them."""
    counts = []
    x, strength = tokens(1, 256)
    maps, regions = torch.randn(1, PLANE_WIDTH, 16, 16), blocky_regions(1, 1, 128, 128)[0]
    with FlopCounterMode(display=False) as counter:
        literal.mpi_attention(fuser, x, strength, (maps, (regions <= 1).float()))
    whole = products(counter)
    for planes in (None, plane_tokens(maps, regions, 1, 1)):
        with FlopCounterMode(display=False) as counter:
            on_meta = planes and PlaneTokens(*(part.to("meta") for part in planes if part is not None))
            fuser.to("meta")(x.to("meta"), strength.to("meta"), on_meta)
        counts.append(products(counter))
    assert counts == [whole / 4, whole / 2]


def products(counter: FlopCounterMode) -> float:
    return float(sum(count for name, count in counter.get_flop_counts()["Global"].items() if "bmm" in str(name)))
