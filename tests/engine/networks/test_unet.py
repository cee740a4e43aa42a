from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

import pytest
import torch
from diffusers import UNetSpatioTemporalConditionModel
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from engine.networks.presets import PRESETS
from engine.networks.unet import AnyToBokehUNet
from tests.engine.networks import literal
from tests.engine.networks.unet_samples import TINY, Clip, assert_same, clip, tiny_unet

PUBLISHED_NAMES = "72a140c218fd8227aa18bfb4cdf85083db51e04d17e5987fdee2b6e5e26bcf4a"
"""SHA-256 of the 1830 lines ``name [shape]`` of the published weights, sorted and joined by line feeds."""

DEAD = ("ff_k.", "attn2.to_q.", "attn2.to_k.", "transformer_blocks.0.norm2.")
"""Parts of the names of published parameters that nothing reads."""

TERA = 1e12


@pytest.fixture(scope="module", autouse=True)
def _no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


@pytest.fixture(scope="module")
def unet() -> AnyToBokehUNet:
    return tiny_unet()


@pytest.fixture(scope="module")
def published() -> AnyToBokehUNet:
    with torch.device("meta"):
        return AnyToBokehUNet(PRESETS["full"].unet)


@pytest.mark.parametrize("masks", [False, True], ids=["masks off", "masks on"])
@pytest.mark.parametrize(("batch", "size"), [(1, (8, 16)), (2, (16, 8))], ids=["one wide window", "two tall windows"])
def test_it_is_the_released_network(unet: AnyToBokehUNet, batch: int, size: tuple[int, int], masks: bool) -> None:
    given = clip(batch, size=size, masks=masks)
    assert_same(unet(*given), literal.unet(unet, *given))


def diffusers_unet() -> UNetSpatioTemporalConditionModel:
    return UNetSpatioTemporalConditionModel(
        block_out_channels=TINY.block_out_channels,
        num_attention_heads=TINY.num_attention_heads,
        layers_per_block=TINY.layers_per_block,
        cross_attention_dim=TINY.cross_attention_dim,
        addition_time_embed_dim=TINY.addition_time_embed_dim,
        projection_class_embeddings_input_dim=TINY.projection_class_embeddings_input_dim,
    ).eval()


def test_with_closed_gates_it_is_stable_video_diffusion() -> None:
    ours, theirs = tiny_unet(), diffusers_unet()
    for name, parameter in ours.named_parameters():
        if "alpha_" in name or "k_encoder" in name:
            parameter.zero_()
    loaded = theirs.load_state_dict(ours.state_dict(), strict=False)
    assert not loaded.missing_keys
    assert all(".fuser." in name or "conv_in_mpi" in name for name in loaded.unexpected_keys)

    given = clip(batch=2)
    alike = given.context[:, :1].expand_as(given.context)
    expected = theirs(given.latents, 1.0, alike[:, :1], given.time_ids).sample
    assert_same(ours(*given._replace(context=alike)), expected)


def epsilons(module: nn.Module) -> dict[str, float]:
    return {name: part.eps for name, part in module.named_modules() if isinstance(part, nn.GroupNorm | nn.LayerNorm)}


def test_norms_have_the_epsilons_of_stable_video_diffusion(unet: AnyToBokehUNet) -> None:
    ours, theirs = epsilons(unet), epsilons(diffusers_unet())
    assert {name: ours[name] for name in theirs} == theirs
    assert set(theirs.values()) == {1e-5, 1e-6}


def test_the_regions_tell_when_they_are_given_and_only_then(unet: AnyToBokehUNet) -> None:
    given = clip(masks=True)
    assert given.regions is not None
    on = unet(*given)
    assert not torch.allclose(on, unet(*given._replace(regions=3 - given.regions)), atol=1e-3)
    off = unet(*given._replace(regions=None))
    assert not torch.allclose(on, off, atol=1e-3)

    blank = tiny_unet()
    for name, parameter in blank.named_parameters():
        if "conv_in_mpi" in name or "fuser.linear" in name:
            parameter.fill_(float("nan"))
    assert torch.equal(blank(*given._replace(regions=None)), off)


def test_planes_that_no_level_may_see_leave_numbers(unet: AnyToBokehUNet) -> None:
    given = clip(masks=True)
    assert given.regions is not None
    nothing = given._replace(regions=torch.full_like(given.regions, 3))
    assert_same(unet(*nothing), literal.unet(unet, *nothing))


@pytest.mark.parametrize("masks", [False, True], ids=["masks off", "masks on"])
def test_windows_of_a_batch_do_not_meet(unet: AnyToBokehUNet, masks: bool) -> None:
    given = clip(batch=2, masks=masks)
    together = unet(*given)
    for window in range(2):
        alone = Clip(*(None if part is None else part[window : window + 1] for part in given))
        assert_same(together[window : window + 1], unet(*alone))


def test_the_frames_of_a_window_meet_and_time_has_a_direction(unet: AnyToBokehUNet) -> None:
    given = clip()
    changed = given.latents.clone()
    changed[:, 2] += 1
    assert not torch.allclose(unet(*given._replace(latents=changed))[:, 0], unet(*given)[:, 0], atol=1e-4)
    backwards = Clip(*(part.flip(1) for part in given[:3]), given.time_ids, None)
    assert not torch.allclose(unet(*backwards).flip(1), unet(*given), atol=1e-3)


def test_the_full_size_has_the_published_names_and_shapes(published: AnyToBokehUNet) -> None:
    state = published.state_dict()
    lines = sorted(f"{name} {list(tensor.shape)}" for name, tensor in state.items())
    assert len(lines) == 1830
    assert sum(tensor.numel() for tensor in state.values()) == 1_876_296_074
    assert sha256("\n".join(lines).encode()).hexdigest() == PUBLISHED_NAMES
    assert {tensor.device.type for tensor in state.values()} == {"meta"}


@pytest.mark.parametrize(("masks", "most"), [(False, 34.43), (True, 39.98)], ids=["masks off", "masks on"])
def test_a_full_window_costs_no_more_than_the_exact_shortcuts_leave(
    published: AnyToBokehUNet, masks: bool, most: float
) -> None:
    """As released it is 52.99 TFLOP; 0.68 of the difference is the doubling of pictures."""
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        published(
            torch.empty(1, 8, 8, 72, 128),
            torch.empty(1, 8, 1024),
            torch.empty(1, 8, 32),
            torch.empty(1, 3),
            torch.empty(1, 8, 576, 1024, dtype=torch.uint8) if masks else None,
        )
    assert 0.99 * most < counter.get_total_flops() / TERA <= most


def test_gradients_reach_every_parameter_that_is_alive_and_checkpoints_change_nothing() -> None:
    unet, given = tiny_unet(), clip(batch=2, masks=True)
    gradients = []
    outputs = []
    for checkpointing in (False, True):
        unet.gradient_checkpointing = checkpointing
        unet.zero_grad()
        with torch.enable_grad():
            output = unet(*given)
            output.square().mean().backward()
        outputs.append(output.detach())
        gradients.append({name: parameter.grad for name, parameter in unet.named_parameters()})
    untouched = {name for name, gradient in gradients[0].items() if gradient is None}
    assert untouched == {name for name in gradients[0] if any(part in name for part in DEAD)}
    assert all(gradient is None or gradient.abs().max() > 0 for gradient in gradients[0].values())
    assert torch.equal(*outputs)
    for name, gradient in gradients[0].items():
        again = gradients[1][name]
        assert (gradient is None) == (again is None), name
        if gradient is not None:
            torch.testing.assert_close(again, gradient, msg=name)


@pytest.mark.parametrize("masks", [False, True], ids=["masks off", "masks on"])
def test_what_is_dropped_was_dead(unet: AnyToBokehUNet, masks: bool) -> None:
    given, light = clip(masks=masks), tiny_unet()
    light.drop_dead_weights(masks)
    assert torch.equal(light(*given), unet(*given))
    gone = unet.state_dict().keys() - light.state_dict().keys()
    dead = DEAD if masks else (*DEAD, "fuser.linear.", "conv_in_mpi.")
    assert gone == {name for name in unet.state_dict() if any(part in name for part in dead)}


def test_regions_are_refused_where_what_reads_them_was_dropped() -> None:
    unet = tiny_unet()
    unet.drop_dead_weights(masks=False)
    with pytest.raises(ValueError, match="masks off"):
        unet(*clip(masks=True))


def test_a_tenth_of_the_published_parameters_is_dead() -> None:
    with torch.device("meta"):
        unet = AnyToBokehUNet(PRESETS["full"].unet)
    unet.drop_dead_weights(masks=True)
    assert sum(parameter.numel() for parameter in unet.parameters()) == 1_677_109_194
    unet.drop_dead_weights(masks=False)
    assert sum(parameter.numel() for parameter in unet.parameters()) == 1_677_109_194 - 4_006_080 - 11_840


def test_half_precision_stays_near_and_takes_what_it_is_told_in_full(unet: AnyToBokehUNet) -> None:
    given, half = clip(masks=True), tiny_unet().to(torch.bfloat16)
    output = half(*given._replace(latents=given.latents.to(torch.bfloat16)))
    assert output.dtype == torch.bfloat16
    # bfloat16 keeps 8 bits: 1 % of the largest value, as measured, after some forty layers.
    assert_same(output.float(), unet(*given), tolerance=0.05)
