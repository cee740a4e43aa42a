from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from diffusers.models.resnet import AlphaBlender

from engine.networks.mpi_attention import plane_tokens
from engine.networks.transformer import LearnedMix, SpatioTemporalTransformer, Told
from tests.engine.networks import literal
from tests.engine.networks.unet_samples import assert_same, blocky_regions, open_up

WIDTH, HEADS, CONTEXT, PLANE_WIDTH = 64, 2, 48, 32
FRAMES = 3


@pytest.fixture(scope="module", autouse=True)
def _no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


@pytest.fixture(scope="module")
def transformer() -> SpatioTemporalTransformer:
    torch.manual_seed(1)
    module = SpatioTemporalTransformer(WIDTH, HEADS, CONTEXT, PLANE_WIDTH)
    open_up(module)
    return module


def given(batch: int, size: tuple[int, int]) -> tuple[torch.Tensor, Told]:
    torch.manual_seed(2)
    count = batch * FRAMES
    told = Told(torch.randn(count, 8), torch.randn(count, CONTEXT), torch.rand(count, 32) * 2 - 1, FRAMES)
    return torch.randn(count, WIDTH, *size), told


@pytest.mark.parametrize("masks", [False, True], ids=["masks off", "masks on"])
@pytest.mark.parametrize(("batch", "size"), [(1, (4, 8)), (2, (6, 2))], ids=["one wide window", "two tall windows"])
def test_it_is_the_released_one(
    transformer: SpatioTemporalTransformer, batch: int, size: tuple[int, int], masks: bool
) -> None:
    maps, told = given(batch, size)
    ours_planes, literal_planes = None, None
    if masks:
        features = torch.randn(batch * FRAMES, PLANE_WIDTH, 2 * size[0], 2 * size[1])
        regions = blocky_regions(batch, FRAMES, 16 * size[0], 16 * size[1]).flatten(0, 1)
        ours_planes, literal_planes = plane_tokens(features, regions, 1, 2), (features, (regions <= 1).float())
    expected = literal.transformer(transformer, maps, told.context, told.strength, literal_planes, FRAMES)
    assert_same(transformer(maps, told, ours_planes), expected)


def test_in_time_a_window_is_told_of_its_own_first_frame_only(transformer: SpatioTemporalTransformer) -> None:
    """The released network mixed up the contexts of two windows of a batch."""
    (block,) = transformer.temporal_transformer_blocks
    torch.manual_seed(3)
    tokens, contexts = torch.randn(2, FRAMES, 5, WIDTH), torch.randn(2, CONTEXT)
    together = block(tokens, contexts)
    for window in range(2):
        alone = literal.temporal_block(block, tokens[window : window + 1], contexts[window : window + 1])
        assert_same(together[window : window + 1], alone)


def test_a_frame_s_own_context_stays_in_its_frame_in_space(transformer: SpatioTemporalTransformer) -> None:
    (block,) = transformer.transformer_blocks
    torch.manual_seed(4)
    tokens, strength = torch.randn(2, 6, WIDTH), torch.rand(2, 32)
    context = torch.randn(2, CONTEXT)
    other = context.clone()
    other[1] += 1
    before, after = (block(tokens, each, strength, None) for each in (context, other))
    assert torch.equal(before[0], after[0])
    assert not torch.allclose(before[1], after[1], atol=1e-3)


def test_the_mix_is_diffusers_own_and_is_made_where_it_is_asked_to() -> None:
    torch.manual_seed(5)
    ours, theirs = LearnedMix(), AlphaBlender(alpha=0.5, merge_strategy="learned_with_images")
    assert torch.equal(ours.mix_factor, theirs.mix_factor)
    spatial, temporal = torch.randn(2, 4, 3, 5, 5), torch.randn(2, 4, 3, 5, 5)
    torch.testing.assert_close(ours(spatial, temporal), theirs(spatial, temporal, torch.zeros(2, 3)))
    with torch.device("meta"):
        assert LearnedMix().mix_factor.device.type == "meta"
