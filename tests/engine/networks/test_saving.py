"""A folder of weights is saved whole or not at all, as other programs read it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from engine.errors import (
    MissingWeightsError,
    OutputExistsError,
    OutputWriteError,
)
from engine.networks.checkpoint import open_weights
from engine.networks.initialise import initialise
from engine.networks.saving import save_weights
from tests.engine.networks import folders
from tests.engine.networks.folders import (
    UNET,
    loads_the_same,
)


def save(folder: Path, **options: object) -> None:
    made = folders.networks()
    save_weights(folder, made.unet, made.vae, made.image_encoder, **options)  # type: ignore[arg-type]


def test_saving_what_was_loaded_gives_a_folder_that_opens(kept: Path, tmp_path: Path) -> None:
    found = open_weights(kept)
    networks = found.load_unet(torch.float32), found.load_vae(torch.float32), found.load_image_encoder(torch.float32)
    save_weights(tmp_path / "again" / "weights", *networks)
    assert loads_the_same(tmp_path / "again" / "weights")


def test_the_safetensors_library_reads_what_is_saved(kept: Path) -> None:
    found = load_file(kept / UNET)
    assert torch.equal(found["conv_out.weight"], folders.networks().unet.conv_out.weight)


def test_diffusers_and_transformers_open_what_is_saved(kept: Path) -> None:
    from diffusers import UNetSpatioTemporalConditionModel
    from transformers import CLIPVisionModelWithProjection

    unet = UNetSpatioTemporalConditionModel.from_config(
        UNetSpatioTemporalConditionModel.load_config(kept / "unet/unet")
    )
    assert unet.conv_in.weight.shape == folders.networks().unet.conv_in.weight.shape
    encoder = CLIPVisionModelWithProjection.from_pretrained(kept / "image_encoder")
    assert torch.equal(encoder.visual_projection.weight, folders.networks().image_encoder.visual_projection.weight)


def test_a_folder_that_holds_something_is_not_replaced_unless_asked(weights: Path) -> None:
    before = open_weights(weights).fingerprint
    with pytest.raises(OutputExistsError, match="not empty"):
        save(weights, dtype=torch.float16)
    assert open_weights(weights).fingerprint == before
    save(weights, dtype=torch.float16, overwrite=True)
    assert open_weights(weights).fingerprint != before
    assert [entry.name for entry in weights.parent.iterdir()] == ["weights"]


def test_a_folder_that_holds_other_things_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("years of work")
    with pytest.raises(OutputExistsError, match=r"thesis\.txt"):
        save(tmp_path / "home", overwrite=True)
    assert (tmp_path / "home" / "thesis.txt").read_text() == "years of work"
    with pytest.raises(OutputExistsError, match="is a file"):
        save(tmp_path / "home" / "thesis.txt", overwrite=True)


@pytest.mark.parametrize("after", [0, 3, 1300])
@pytest.mark.parametrize("before", [False, True])
def test_stopped_in_the_middle_nothing_is_left_and_nothing_is_lost(
    kept: Path, tmp_path: Path, after: int, before: bool
) -> None:
    place = tmp_path / "weights"
    if before:
        folders.copy(kept, place)
    steps = iter(range(after))

    def step() -> None:
        if next(steps, None) is None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save(place, step=step, overwrite=True)
    assert [entry.name for entry in tmp_path.iterdir()] == (["weights"] if before else [])
    if before:
        assert loads_the_same(place)


def test_what_a_killed_process_left_is_cleared_away(tmp_path: Path) -> None:
    process = os.fork()
    if process == 0:
        save(tmp_path / "weights", step=lambda: os.kill(os.getpid(), 9))
        os._exit(0)
    os.waitpid(process, 0)
    assert [entry.name for entry in tmp_path.iterdir()] != ["weights"]
    assert len(list(tmp_path.iterdir())) == 1
    save(tmp_path / "weights")
    assert [entry.name for entry in tmp_path.iterdir()] == ["weights"]


def test_networks_without_their_dead_weights_are_not_saved(tmp_path: Path) -> None:
    made = initialise("tiny", 1)
    made.unet.drop_dead_weights(masks=False)
    with pytest.raises(MissingWeightsError, match="conv_in_mpi"):
        save_weights(tmp_path / "weights", made.unet, made.vae, made.image_encoder)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputWriteError, match="cannot be written"):
        save(tmp_path / "file" / "weights")
