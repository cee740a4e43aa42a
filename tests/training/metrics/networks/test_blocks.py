from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.errors import CorruptWeightsError, MissingWeightsError, WeightsError
from training.metrics import Moments, add_shot, display

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
from tests.training.metrics.networks.scripts import Flat, LastOfTwo, Loose, OverTime, scripted  # noqa: E402
from training.metrics.networks import ScriptedBlocks, VideoMaeBlocks  # noqa: E402

rng = np.random.default_rng(9)


def shot(frames: int, height: int = 20, width: int = 30) -> np.ndarray:
    return rng.random((frames, height, width, 3), dtype=np.float32)


def test_a_scripted_network_sees_channels_frames_and_range_as_told(tmp_path: Path) -> None:
    path = scripted(Flat(), tmp_path / "flat.pt")
    frames = np.stack([display(frame) for frame in shot(4, 8, 8)])
    for scale, gain, offset in (("-1..1", 2, -1), ("0..1", 1, 0)):
        network = ScriptedBlocks(path, frames=4, size=8, scale=scale)
        found = network.describe([network.prepare(frame) for frame in frames])
        assert found == pytest.approx((frames.mean(axis=(1, 2)) * gain + offset).T.reshape(-1), abs=1e-6)


def test_features_over_time_are_averaged(tmp_path: Path) -> None:
    network = ScriptedBlocks(scripted(OverTime(), tmp_path / "i3d.pt"), frames=3, size=8)
    frames = shot(3, 8, 8)
    found = network.describe([network.prepare(frame) for frame in frames])
    assert found == pytest.approx(frames.mean(axis=(0, 1, 2)) * 2 - 1, abs=1e-6)


def test_frames_become_square_whatever_they_were(tmp_path: Path) -> None:
    network = ScriptedBlocks(scripted(OverTime(), tmp_path / "i3d.pt"), size=16)
    ramp = np.repeat(np.linspace(0, 1, 64, dtype=np.float32)[None, :, None], 9, axis=0).repeat(3, axis=2)
    small = network.prepare(ramp)
    assert small.shape == (3, 16, 16)
    assert small[1, 5] == pytest.approx((np.arange(16) * 4 + 1.5) / 63, abs=1e-6)


def test_a_set_is_at_no_distance_from_itself_and_at_some_from_noise(tmp_path: Path) -> None:
    network = ScriptedBlocks(scripted(OverTime(), tmp_path / "i3d.pt"), frames=5, size=8)
    truth, noisy = Moments(), Moments()
    for _ in range(6):
        frames = shot(11)
        assert add_shot(truth, frames, network) == 2
        add_shot(noisy, frames * np.float32(0.5), network)
    assert truth.count == 12
    assert truth.distance(truth) == pytest.approx(0, abs=1e-12)
    assert truth.distance(noisy) > 0.05


def test_a_script_that_answers_otherwise_is_refused(tmp_path: Path) -> None:
    block = [np.zeros((3, 8, 8), np.float32)] * 2
    with pytest.raises(WeightsError, match=r"loose\.pt: the network answered with a tensor \(3,\), not features"):
        ScriptedBlocks(scripted(Loose(), tmp_path / "loose.pt"), 2, 8).describe(block)
    with pytest.raises(WeightsError, match=r"flow\.pt: the network cannot take \(1, 3, 2, 8, 8\)"):
        ScriptedBlocks(scripted(LastOfTwo(), tmp_path / "flow.pt"), 2, 8).describe(block)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(1)
    config = transformers.VideoMAEConfig(
        image_size=32, patch_size=16, num_frames=4, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32,
    )  # fmt: skip
    path = tmp_path_factory.mktemp("videomae")
    transformers.VideoMAEModel(config).save_pretrained(path)
    return path


def test_videomae_gives_the_mean_of_its_tokens_for_pictures_normalised_as_imagenet_s(folder: Path) -> None:
    network = VideoMaeBlocks(folder)
    assert network.frames == 4
    frames = shot(4, 32, 32)
    found = network.describe([network.prepare(frame) for frame in frames])
    model = transformers.VideoMAEModel.from_pretrained(folder).eval()
    normal = (frames - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    with torch.no_grad():
        tokens = model(torch.tensor(normal, dtype=torch.float32).movedim(-1, 1)[None]).last_hidden_state
    assert tokens.shape == (1, 8, 16)
    assert found == pytest.approx(tokens[0].mean(0).numpy(), abs=1e-5)


def test_videomae_blocks_make_a_distance(folder: Path) -> None:
    network, truth, other = VideoMaeBlocks(folder), Moments(), Moments()
    add_shot(truth, shot(12), network)
    add_shot(other, shot(12) * np.float32(0.2), network)
    assert truth.distance(truth) == pytest.approx(0, abs=1e-9)
    assert truth.distance(other) == pytest.approx(other.distance(truth), rel=1e-6)
    assert truth.distance(other) > 0


def test_a_folder_without_videomae_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingWeightsError, match=r"config\.json: there is none"):
        VideoMaeBlocks(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "videomae"}')
    with pytest.raises(CorruptWeightsError, match="holds no VideoMAE model"):
        VideoMaeBlocks(tmp_path)


def test_a_folder_that_lacks_a_tensor_is_refused_and_not_filled_with_random_numbers(
    folder: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    tensors = load_file(folder / "model.safetensors")
    del tensors["embeddings.patch_embeddings.projection.weight"]
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(MissingWeightsError, match=r"lacks embeddings\.patch_embeddings\.projection\.weight \(1 tens"):
        VideoMaeBlocks(tmp_path)
