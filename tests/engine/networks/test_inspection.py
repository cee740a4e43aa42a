"""What ``inspect_weights`` tells of folders whose history is known."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from math import tanh
from pathlib import Path

import pytest
import torch
from torch import Tensor

from engine.errors import MissingWeightsError
from engine.networks.checkpoint import open_weights
from engine.networks.inspection import inspect_weights
from tests.engine.networks import folders
from tests.engine.networks.folders import CLIP, UNET, VAE, change_tensors


@pytest.fixture
def svd(weights: Path, tmp_path: Path) -> Path:
    """The model that the weights started from: its U-Net is the same, in half precision and by another name."""
    place = tmp_path / "stable-video-diffusion"
    (place / "unet").mkdir(parents=True)
    (weights / "image_encoder").rename(place / "image_encoder")
    shutil.copy(weights / "unet/unet/config.json", place / "unet/config.json")
    shutil.copy(weights / UNET, place / "unet/diffusion_pytorch_model.fp16.safetensors")
    change_tensors(place / "unet/diffusion_pytorch_model.fp16.safetensors", without_ours)
    return place


def without_ours(tensors: dict[str, Tensor]) -> None:
    for name in [name for name in tensors if ".fuser." in name or "conv_in_mpi" in name]:
        del tensors[name]
    for name in tensors:
        tensors[name] = tensors[name].half()


def trained(*, decay: float, noise: float = 0.0) -> Callable[[dict[str, Tensor]], None]:
    """Decay on what gets no gradient, and noise on the branch of the planes."""

    def change(tensors: dict[str, Tensor]) -> None:
        generator = torch.Generator().manual_seed(0)
        for name in tensors:
            if "conv_in_mpi" in name or ".attn2.to_q." in name or ".ff_k." in name:
                tensors[name] *= decay
            if name == "conv_in.weight" or ("conv_in_mpi" in name and noise):
                drift = torch.rand(tensors[name].shape, generator=generator) - 0.5
                tensors[name] += (noise or 0.05) * drift * tensors[name].abs().mean()

    return change


def test_a_branch_that_only_decayed_was_never_trained(weights: Path, svd: Path) -> None:
    change_tensors(weights / UNET, trained(decay=0.995))
    found = inspect_weights(weights)
    assert found.planes is not None
    assert (found.planes.verdict, found.planes.reference) == ("never trained", "svd")
    assert found.planes.place == str(svd / "unet")
    assert found.planes.ratio == pytest.approx(0.995, abs=1e-4)
    assert found.decay is not None
    assert found.decay.ratio == pytest.approx(0.995, abs=1e-4)
    assert found.decay.remainder < 1e-3
    assert found.unused.verdict == "untouched"
    assert found.unused.largest == pytest.approx(0.995, abs=1e-3)


@pytest.mark.usefixtures("svd")
@pytest.mark.parametrize("noise", [0.05, 0.5])
def test_a_branch_that_changed_otherwise_was_trained(weights: Path, noise: float) -> None:
    change_tensors(weights / UNET, trained(decay=0.995, noise=noise))
    found = inspect_weights(weights)
    assert found.planes is not None
    assert found.planes.verdict == "trained"


@pytest.mark.usefixtures("svd")
def test_a_branch_in_half_precision_is_told_as_well(weights: Path) -> None:
    def halve(tensors: dict[str, Tensor]) -> None:
        trained(decay=0.99)(tensors)
        for name in tensors:
            tensors[name] = tensors[name].to(torch.bfloat16)

    change_tensors(weights / UNET, halve)
    found = inspect_weights(weights)
    assert found.planes is not None
    assert found.planes.verdict == "never trained"


def test_without_the_original_model_the_evidence_is_weaker(weights: Path) -> None:
    found = inspect_weights(weights)
    assert found.planes is not None
    assert (found.planes.verdict, found.planes.reference) == ("never trained", "own")
    assert found.decay is None
    change_tensors(weights / UNET, trained(decay=0.995))
    found = inspect_weights(weights)
    assert found.planes is not None
    assert found.planes.verdict == "unclear"


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        (lambda t: t.mul_(0.97), "untouched"),
        (lambda t: t.normal_(0, 0.1, generator=torch.Generator().manual_seed(1)), "changed"),
        (lambda t: t.mul_(0.5), "changed"),
        (lambda t: t.zero_(), "changed"),
    ],
)
def test_unused_parts_are_told_by_their_distribution(
    weights: Path, change: Callable[[Tensor], Tensor], verdict: str
) -> None:
    def each(tensors: dict[str, Tensor]) -> None:
        for name in tensors:
            if ".ff_k." in name:
                change(tensors[name])

    change_tensors(weights / UNET, each)
    assert inspect_weights(weights).unused.verdict == verdict


def test_gates_and_skips_are_read_in_the_order_of_the_network(weights: Path) -> None:
    first = "down_blocks.0.attentions.0"

    def change(tensors: dict[str, Tensor]) -> None:
        tensors[f"{first}.transformer_blocks.0.fuser.alpha_dense"].fill_(-2.0)

    change_tensors(weights / UNET, change)
    change_tensors(weights / VAE, lambda t: t.update({"decoder.skip_conv_2.weight": torch.full((64, 64, 1, 1), 0.5)}))
    found = inspect_weights(weights)
    assert found.gates[0].block == first
    assert found.gates[0].attention == pytest.approx(tanh(0.25))
    assert found.gates[0].dense == pytest.approx(tanh(-2))
    assert [gate.block.split(".")[0] for gate in found.gates] == ["down_blocks"] * 3 + ["mid_block"] + ["up_blocks"] * 6
    assert [skip.rms for skip in found.skips] == pytest.approx([1e-5, 0.5, 1e-5, 1e-5])


def test_a_whole_folder_fits_and_has_the_fingerprint_of_a_render(weights: Path) -> None:
    found = inspect_weights(weights)
    assert found.fits
    assert found.fingerprint == open_weights(weights).fingerprint
    assert [network.dtypes for network in found.networks] == [{"fp32": 1160}, {"fp32": 253}, {"fp32": 40}]
    assert found.networks[1].parameters == sum(p.numel() for p in folders.networks().vae.parameters())
    assert json.loads(json.dumps(found.to_json()))["fits"] is True


def test_what_is_missing_or_too_much_is_a_finding_and_no_error(weights: Path) -> None:
    def spoil(tensors: dict[str, Tensor]) -> None:
        del tensors["conv_in_mpi.weight"]
        tensors["conv_in.weight"] = torch.zeros(1)
        tensors["stranger"] = torch.zeros(1)

    change_tensors(weights / UNET, spoil)
    shutil.rmtree(weights / "image_encoder")
    found = inspect_weights(weights)
    assert not found.fits
    assert found.planes is None
    assert found.networks[0].missing == ["conv_in_mpi.weight"]
    assert found.networks[0].unexpected == ["stranger"]
    assert found.networks[0].reshaped == ["conv_in.weight: 1 in place of 32x8x3x3"]
    assert "no image encoder was found" in found.image_encoder
    assert found.fingerprint == ""


def test_a_folder_of_something_else_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MissingWeightsError):
        inspect_weights(tmp_path)


def test_an_original_model_without_its_tensors_is_passed_over(weights: Path, svd: Path) -> None:
    (svd / "unet/diffusion_pytorch_model.fp16.safetensors").unlink()
    found = inspect_weights(weights)
    assert found.planes is not None
    assert found.planes.reference == "own"
    assert (svd / CLIP).is_file()
