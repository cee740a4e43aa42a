from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813  the name that its own documentation uses
import pytest

from engine.errors import ChannelError, FormatError, MediaError, MissingFrameError
from engine.frames import FrameRange
from training.evaluation import evaluate, sequence_in
from training.metrics import display, edge_band_psnr, psnr, ssim, temporal_error
from training.peers.exr import write_exr

FRAMES = (1001, 1002, 1003)
rng = np.random.default_rng(9)
TRUTH = [rng.random((24, 32, 3), dtype=np.float32) for _ in FRAMES]
RESULT = [np.clip(t + np.float32(0.05) * rng.standard_normal(t.shape, dtype=np.float32), 0, None) for t in TRUTH]
DISPARITY = np.zeros((24, 32), np.float32)
DISPARITY[:, :6] = 0.8


def save(folder: Path, name: str, images: list[np.ndarray], first: int = FRAMES[0]) -> Path:
    folder.mkdir(exist_ok=True)
    for number, image in enumerate(images, first):
        write_exr(folder / f"{name}.{number:04d}.exr", image)
    return folder


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("evaluation")
    return {
        "result": save(root / "result", "beauty", RESULT),
        "reference": save(root / "reference", "truth", TRUTH),
        "disparity": save(root / "disparity", "depth", [DISPARITY] * len(FRAMES)),
    }


def test_a_shot_is_scored_as_the_metrics_say(places: dict[str, Path]) -> None:
    found = evaluate(places["result"], places["reference"], places["disparity"])
    assert [score.frame for score in found.frames] == list(FRAMES)
    assert found.psnr == pytest.approx(psnr(RESULT, TRUTH), abs=1e-3)
    assert found.ssim == pytest.approx(np.mean([ssim(r, t) for r, t in zip(RESULT, TRUTH, strict=True)]), abs=1e-5)
    assert found.edge_psnr == pytest.approx(edge_band_psnr(RESULT, TRUTH, [DISPARITY] * 3), abs=1e-3)
    assert found.temporal == pytest.approx(temporal_error(RESULT, TRUTH), abs=1e-6)
    assert found.frames[1].psnr == pytest.approx(psnr(RESULT[1:2], TRUTH[1:2]), abs=1e-3)


def test_without_disparity_there_is_no_edge_band(places: dict[str, Path]) -> None:
    found = evaluate(places["result"], places["reference"])
    assert math.isnan(found.edge_psnr)
    assert found.rows()[-1][3] == "-"


def test_a_disparity_layer_of_the_result_is_found_by_itself(places: dict[str, Path], tmp_path: Path) -> None:
    for number, image in zip(FRAMES, RESULT, strict=True):
        spec = oiio.ImageSpec(32, 24, 4, "float")
        spec.channelnames = ("R", "G", "B", "disparity.Z")
        out = oiio.ImageOutput.create("a.exr")
        assert out.open(str(tmp_path / f"a.{number}.exr"), spec)
        assert out.write_image(np.concatenate([image, DISPARITY[..., None]], axis=-1))
        assert out.close()
    alone = evaluate(tmp_path, places["reference"])
    assert alone.edge_psnr == pytest.approx(evaluate(*places.values()).edge_psnr, abs=1e-6)


def test_only_the_frames_asked_for_or_in_common_count(places: dict[str, Path], tmp_path: Path) -> None:
    later = save(tmp_path / "later", "truth", TRUTH[1:], FRAMES[1])
    assert [s.frame for s in evaluate(places["result"], later).frames] == [1002, 1003]
    assert [s.frame for s in evaluate(places["result"], later, frames=FrameRange((1003,))).frames] == [1003]
    with pytest.raises(MissingFrameError):
        evaluate(places["result"], later, frames=FrameRange((1001,)))


def test_shots_without_a_frame_in_common_are_refused(places: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(MissingFrameError, match=r"1001-1003 and .* has 1-3; they need one in common"):
        evaluate(places["result"], save(tmp_path / "other", "truth", TRUTH, 1))


def test_pictures_of_two_sizes_are_refused(places: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="compare pictures of one size"):
        evaluate(places["result"], save(tmp_path / "small", "truth", [t[:20] for t in TRUTH]))
    small = save(tmp_path / "depth", "depth", [DISPARITY[:, :30]] * 3)
    with pytest.raises(FormatError, match="frame 1001: the disparity is 30x24"):
        evaluate(places["result"], places["reference"], small)


def test_a_disparity_that_was_asked_for_must_be_there(places: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises((MediaError, ChannelError)):
        evaluate(places["result"], places["reference"], tmp_path / "nothing.%04d.exr")


def test_an_eight_bit_reference_is_compared_in_the_same_light(tmp_path: Path) -> None:
    from training.benchmark.pictures import write_png

    linear = save(tmp_path / "linear", "a", TRUTH[:1])
    shown = tmp_path / "shown"
    shown.mkdir()
    write_png(shown / "a.1001.png", display(TRUTH[0]))
    # Half a step of 8 bits is 54 dB below white.
    assert evaluate(linear, shown).psnr > 50


def test_overscan_does_not_count(places: dict[str, Path], tmp_path: Path) -> None:
    for number, image in zip(FRAMES, RESULT, strict=True):
        wide = np.full((24 + 8, 32 + 6, 3), 7.0, np.float32)
        wide[3 : 3 + 24, 2 : 2 + 32] = image
        spec = oiio.ImageSpec(38, 32, 3, "float")
        spec.x, spec.y = -2, -3
        spec.full_x, spec.full_y, spec.full_width, spec.full_height = 0, 0, 32, 24
        out = oiio.ImageOutput.create("a.exr")
        assert out.open(str(tmp_path / f"a.{number}.exr"), spec)
        assert out.write_image(wide)
        assert out.close()
    assert evaluate(tmp_path, places["reference"]).psnr == pytest.approx(psnr(RESULT, TRUTH), abs=1e-3)


def test_equal_shots_are_perfect_in_the_table_and_null_in_json(places: dict[str, Path]) -> None:
    found = evaluate(places["reference"], places["reference"])
    assert found.rows()[-1][:3] == ("shot", "inf", "1.0000")
    said = json.loads(found.to_json())
    assert said["psnr"] is None
    assert said["temporal"] == 0.0
    assert [frame["frame"] for frame in said["frames"]] == list(FRAMES)


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        (["a.0998.exr", "a.0999.exr"], "a.%04d.exr"),
        (["shot-001.exr"], "shot-%03d.exr"),
        (["a.-001.exr", "a.0000.exr"], "a.%04d.exr"),
        (["take2_0001.png"], "take2_%04d.png"),
        (["cut2.mov", ".hidden.0001.exr", "notes.txt"], "cut2.mov"),
        (["still.exr"], "still.exr"),
    ],
)
def test_a_folder_names_its_sequence(tmp_path: Path, names: list[str], pattern: str) -> None:
    for name in names:
        (tmp_path / name).touch()
    assert sequence_in(tmp_path) == str(tmp_path / pattern)


def test_a_folder_with_no_or_several_sequences_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingFrameError, match="holds no pictures"):
        sequence_in(tmp_path)
    for name in ("a.0001.exr", "b.0001.exr"):
        (tmp_path / name).touch()
    with pytest.raises(MissingFrameError, match=r"several sequences \(a\.%04d\.exr, b\.%04d\.exr\)"):
        sequence_in(tmp_path)
