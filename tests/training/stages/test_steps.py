from __future__ import annotations

import copy
import re

import pytest
import torch

from engine.errors import TrainingError
from engine.networks.presets import PRESETS
from engine.networks.skeleton import IMAGE_ENCODER, UNET, VAE
from tests.training.stages.by_hand import batch, networks, settings
from training.stages.steps import StageStep, TrainingNetworks, stage_step, training_behaviour

STAGES = (0, 1, 2, 3)
PROFILES = ("paper", "released")

DEAD = re.compile(r"\.attn2\.to_[qk]\.|transformer_blocks\.0\.norm2\.|\.fuser\.ff_k\.")
"""Cross-attention to one token asks nothing, and one feed-forward of MPI attention is never called."""

PLANES = re.compile(r"conv_in_mpi\.|\.fuser\.linear\.")
"""What only the tokens of the depth planes pass."""

IDLE = re.compile(r"decoder\.mid_block\.attentions\.")
"""Diffusers makes it also in a decoder whose middle has one block and nothing between two."""


SPATIAL_BLOCKS = 7
"""Of the smallest U-Net: two on the way down, one in the middle, four on the way up."""


def step_of(stage: int, profile: str = "paper", **options: object) -> StageStep:
    return stage_step(stage, networks(), settings(**options), training_behaviour(profile))  # type: ignore[arg-type]


def gradients(step: StageStep) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    step(batch())["total"].backward()
    return {name: parameter.grad for name, parameter in step.named_parameters() if parameter.grad is not None}


def expected(stage: int, profile: str, nets: TrainingNetworks) -> set[str]:
    """By name, as the paper and the published scripts have it."""
    unet = {f"unet.{name}" for name, _ in nets.unet.named_parameters() if not DEAD.search(name)}
    unet = {name for name in unet if profile == "paper" or not PLANES.search(name)}
    vae = {f"vae.{name}" for name, _ in nets.vae.named_parameters() if not IDLE.search(name)}
    return {
        0: {name for name in vae if "skip_conv" not in name},
        1: unet,
        2: {name for name in unet if "temporal" in name},
        3: {name for name in vae if name.startswith("vae.decoder.") and "temporal" not in name and "time" not in name},
    }[stage]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("stage", STAGES)
def test_all_that_should_train_gets_gradient_and_nothing_else_does(stage: int, profile: str) -> None:
    step = step_of(stage, profile)
    found = gradients(step)
    wanted = expected(stage, profile, networks())
    assert set(step.trained_parameters()) == wanted == found.keys()
    assert {name for name, gradient in found.items() if not gradient.any()} == set()
    assert {name for name, parameter in step.named_parameters() if parameter.requires_grad} == wanted


def test_the_paper_s_profile_gives_the_branch_of_the_depth_planes_a_gradient_and_the_released_one_none() -> None:
    for profile in PROFILES:
        reached = {name for name in gradients(step_of(1, profile)) if PLANES.search(name)}
        assert ("unet.conv_in_mpi.weight" in reached) == (profile == "paper")
        tokens = [name for name in reached if name.endswith("fuser.linear.weight")]
        assert len(tokens) == (SPATIAL_BLOCKS if profile == "paper" else 0)


def test_the_trained_parts_of_the_published_size_are_as_many_as_published() -> None:
    preset = PRESETS["full"]
    nets = TrainingNetworks(UNET.skeleton(preset.unet), VAE.skeleton(preset.vae), IMAGE_ENCODER.skeleton(preset.clip))
    count = {name: parameter.numel() for name, parameter in nets.unet.named_parameters()}
    temporal = {name for name in count if "temporal" in name}
    assert sum(count[name] for name in temporal) == 556_891_200
    assert sum(count.values()) == 1_876_296_074
    trained = {stage: stage_step(stage, nets, settings()).trained_parameters() for stage in (1, 2, 3)}
    dead = {name for name in count if DEAD.search(name)}
    assert {name.removeprefix("unet.") for name in trained[1]} == count.keys() - dead
    assert {name.removeprefix("unet.") for name in trained[2]} == temporal - dead
    # With the skips, 491,520 of them.
    assert sum(parameter.numel() for parameter in trained[3].values()) == 49_981_699


@pytest.mark.parametrize("stage", STAGES)
def test_what_is_frozen_does_not_move_by_one_bit_and_all_else_moves(stage: int) -> None:
    step = step_of(stage)
    before = copy.deepcopy(step.state_dict())
    optimizer = torch.optim.AdamW(step.trained_parameters().values(), lr=1e-2, weight_decay=0.1)
    gradients(step)
    optimizer.step()
    moved = {name for name, tensor in step.state_dict().items() if not torch.equal(tensor, before[name])}
    assert moved == set(step.trained_parameters())


@pytest.mark.parametrize(
    ("stage", "profile"), [(0, "paper"), (1, "paper"), (1, "released"), (2, "paper"), (3, "paper")]
)
def test_gradients_are_the_same_when_layers_are_computed_again_and_less_is_kept(stage: int, profile: str) -> None:
    kept: dict[bool, int] = {False: 0, True: 0}
    found = {}
    for again in (False, True):

        def count(tensor: torch.Tensor, again: bool = again) -> torch.Tensor:
            kept[again] += tensor.numel()
            return tensor

        # What layers keep that are computed again never comes here.
        with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
            found[again] = gradients(step_of(stage, profile, checkpointing=again))
    assert kept[True] < 0.5 * kept[False]
    assert found[False].keys() == found[True].keys()
    for name, gradient in found[False].items():
        torch.testing.assert_close(found[True][name], gradient, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("stage", STAGES)
def test_losses_and_gradients_are_finite_in_half_precision(stage: int, checkpointing: bool) -> None:
    step = step_of(stage, checkpointing=checkpointing)
    with torch.autocast("cpu", torch.bfloat16):
        losses = step(batch())
    losses["total"].backward()
    assert all(loss.isfinite() and loss.dtype == torch.float32 for loss in losses.values())
    for name, parameter in step.trained_parameters().items():
        assert parameter.grad is not None, name
        assert parameter.grad.dtype == torch.float32
        assert parameter.grad.isfinite().all(), name


@pytest.mark.parametrize("stage", STAGES)
def test_half_precision_gives_nearly_the_same_loss(stage: int) -> None:
    step = step_of(stage)
    exact = float(step(batch())["total"].detach())
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        assert float(step(batch())["total"]) == pytest.approx(exact, rel=0.02)


def test_the_total_is_the_weighted_sum() -> None:
    decoder = step_of(3, texture_weight=0.25)(batch())
    assert decoder["total"].item() == pytest.approx((decoder["l1"] + 0.25 * decoder["texture"]).item())
    assert "texture" not in step_of(3, texture_weight=0.0)(batch())
    autoencoder = step_of(0, texture_weight=0.5, kl_weight=2.0)(batch())
    parts = autoencoder["l1"] + 0.5 * autoencoder["texture"] + 2 * autoencoder["divergence"]
    assert autoencoder["total"].item() == pytest.approx(parts.item())


def test_latents_are_drawn_anew_or_taken_as_they_are() -> None:
    with torch.no_grad():
        for posterior, drawn in (("mode", False), ("sample", True)):
            step = step_of(1, posterior=posterior)
            assert (step(batch())["total"] != step(batch())["total"]) == drawn


def test_an_autoencoder_cannot_look_past_its_latents_in_stage_0() -> None:
    step = step_of(0)
    with torch.no_grad():
        before = step(batch())["total"]
        for name, parameter in step.named_parameters():
            if "skip_conv" in name:
                parameter.fill_(3.0)
        assert step(batch())["total"] == before


def test_a_trained_network_is_in_train_mode_and_a_frozen_one_never() -> None:
    for stage, trained in ((0, {"vae"}), (1, {"unet"}), (2, {"unet"}), (3, {"vae"})):
        step = step_of(stage)
        assert {name for name, network in step.named_children() if network.training} == trained
        step.eval()
        assert not any(module.training for module in step.modules())
        step.train()
        assert {name for name, network in step.named_children() if network.training} == trained


def test_a_stage_that_is_none_is_told() -> None:
    with pytest.raises(TrainingError, match="there is no stage 4; give one of 0, 1, 2, 3"):
        step_of(4)


@pytest.mark.parametrize(("stage", "steps", "factor"), [(0, 24, 2), (1, 12, 10), (2, 16, 8), (3, 16, 1.7)])
def test_one_batch_is_learnt_by_heart(stage: int, steps: int, factor: float) -> None:
    step = stage_step(stage, networks(gate=0.1), settings(texture_weight=0.0))
    optimizer = torch.optim.AdamW(step.trained_parameters().values(), lr=3e-3, betas=(0.9, 0.99))
    losses = []
    for _ in range(steps):
        loss = step(batch())["total"]
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(step.trained_parameters().values(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / factor, losses
