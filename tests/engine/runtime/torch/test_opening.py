from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.errors import DependencyError, DeviceError, MissingWeightsError
from engine.networks.saving import save_weights
from engine.runtime import extras
from engine.runtime.torch import open_torch_networks
from engine.shot import AnyToBokehOptions
from tests.engine.runtime.torch.tiny import frame, tiny_modules, tiny_networks


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights") / "tiny"
    modules = tiny_modules()
    save_weights(folder, modules.unet, modules.vae, modules.image_encoder)
    return folder


def test_a_folder_gives_the_pictures_of_the_networks_that_were_saved_in_it(weights: Path) -> None:
    opened, there = open_torch_networks(AnyToBokehOptions(weights=str(weights), device="cpu")), tiny_networks()
    window, expected = [opened.encode(frame())], [there.encode(frame())]
    pictures = opened.decode(opened.refocus(window), window)
    # Not the same bits: the weights lie elsewhere in memory, which decides how kernels of the CPU split their sums.
    assert np.allclose(pictures[0], there.decode(there.refocus(expected), expected)[0], atol=1e-4)
    assert opened.size == (256, 128)


def test_opening_reads_no_weights(weights: Path) -> None:
    networks = open_torch_networks(AnyToBokehOptions(weights=str(weights), device="cpu", precision="bf16"))
    assert networks._stages is None
    assert "bf16" in networks.identity


def test_identity_is_that_of_the_weights_in_the_folder(weights: Path, tmp_path: Path) -> None:
    modules = tiny_modules()
    for weights_there in modules.unet.parameters():
        weights_there.data += 1
    save_weights(tmp_path / "other", modules.unet, modules.vae, modules.image_encoder)
    first, again, other = (
        open_torch_networks(AnyToBokehOptions(weights=str(folder), device="cpu")).identity
        for folder in (weights, weights, tmp_path / "other")
    )
    assert first == again != other


def test_what_cannot_be_had_is_told_at_once(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DeviceError):
        open_torch_networks(AnyToBokehOptions(weights=str(weights), device="cuda:63"))
    with pytest.raises(MissingWeightsError):
        open_torch_networks(AnyToBokehOptions(device="cpu"))
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "torch" else name)
    with pytest.raises(DependencyError, match="torch"):
        open_torch_networks(AnyToBokehOptions(weights=str(weights)))


def test_the_package_is_imported_without_torch() -> None:
    code = "import sys, engine.runtime.torch; print(sorted({'torch', 'diffusers', 'transformers'} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
