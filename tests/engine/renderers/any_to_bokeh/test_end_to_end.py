"""The whole path: files in, the loop, the networks in Torch with random weights, EXR out."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest

pytest.importorskip("torch")

from engine.errors import FrameSizeError, NumbersError, WeightsError
from engine.frames import Float32Array
from engine.render import DIGEST, Started, Summary, check, render
from engine.render.report import Event
from engine.shot import Shot, shot_from_dict
from tests.engine.render.shots import FIRST, header, make_plates, outputs, read_exr, write_exr
from tests.engine.renderers.any_to_bokeh.shots import learned, make_lit_plates, make_spoilt_weights, make_weights

SMALL = (48, 32)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_weights(tmp_path_factory.mktemp("weights") / "a")


class _Looked(Exception):  # noqa: N818
    """Ends a render that was only to tell what it would do."""


def work_left(shot: Shot) -> int:
    """How many frames a render would make, without making them."""
    found: list[int] = []

    def look(event: Event) -> None:
        if isinstance(event, Started):
            found.append(event.total)
            raise _Looked

    with pytest.raises(_Looked):
        render(shot, report=look)
    return found[0]


def picture(folder: Path, data: Mapping[str, Any], frames: str | None = None) -> dict[str, bytes]:
    """Pixels of a render into an empty folder."""
    shutil.rmtree(folder / "out", ignore_errors=True)
    render(shot_from_dict(dict(data)), frames)
    return outputs(folder)


def pixels(folder: Path, frame: int = FIRST) -> Float32Array:
    return read_exr(folder / "out" / f"out.{frame}.exr")


@pytest.mark.parametrize("length", [1, 2, 7, 8, 9, 12, 13, 16, 25])
def test_a_clip_of_any_length_is_written_frame_by_frame(tmp_path: Path, weights: Path, length: int) -> None:
    make_plates(tmp_path, length, *SMALL)
    summary = render(shot_from_dict(learned(tmp_path, weights)))
    assert (summary.written, summary.skipped, summary.warnings) == (length, 0, ())
    found = [pixels(tmp_path, frame) for frame in range(FIRST, FIRST + length)]
    assert len(list((tmp_path / "out").iterdir())) == length
    for made in found:
        assert made.shape == (SMALL[1], SMALL[0], 4)
        assert np.isfinite(made).all()
        assert made[..., :3].std() > 1e-3
    assert len({made.tobytes() for made in found}) == length


@pytest.mark.parametrize(
    ("length", "options"),
    [
        (17, {}),
        (13, {"blend": "frames", "profile": "paper"}),
        (11, {"posterior": "sample", "seed": 5, "overlap": 2, "decode_window": 5, "decode_overlap": 2}),
    ],
)
def test_any_split_of_the_shot_gives_identical_pixels(
    tmp_path: Path, weights: Path, length: int, options: dict[str, Any]
) -> None:
    """The exposure is measured, and the limits of depth are found, over the whole shot in each part."""
    make_plates(tmp_path, length, *SMALL)
    data = learned(tmp_path, weights, **options)
    data["depth"] = {"path": data["depth"]["path"]}
    whole = picture(tmp_path, data)
    shutil.rmtree(tmp_path / "out")
    last = FIRST + length - 1
    for part in (f"{FIRST + 4},{FIRST + 9}-{last}", f"{FIRST}-{FIRST + 3},{FIRST + 5}-{FIRST + 8}"):
        render(shot_from_dict(data), part)
    assert outputs(tmp_path) == whole


def test_what_is_missing_or_broken_is_made_again_alike(tmp_path: Path, weights: Path) -> None:
    make_plates(tmp_path, 13, *SMALL)
    shot = shot_from_dict(learned(tmp_path, weights))
    render(shot)
    whole = outputs(tmp_path)
    made_by = {file.name: header(file)[DIGEST] for file in (tmp_path / "out").iterdir()}
    (tmp_path / "out" / "out.1003.exr").unlink()
    broken = tmp_path / "out" / "out.1011.exr"
    broken.write_bytes(broken.read_bytes()[:-40])
    summary = render(shot)
    assert (summary.written, summary.skipped) == (2, 11)
    assert outputs(tmp_path) == whole
    assert {file.name: header(file)[DIGEST] for file in (tmp_path / "out").iterdir()} == made_by


@pytest.mark.parametrize(
    ("size", "aspect"),
    [((36, 96), 1.0), ((61, 37), 1.0), ((1, 5), 1.0), ((2, 1), 1.0), ((48, 54), 2.0), ((400, 30), 1.0)],
    ids=["portrait", "odd", "sliver", "two pixels", "anamorphic", "ribbon"],
)
def test_plates_of_any_shape_come_out_as_they_are(
    tmp_path: Path, weights: Path, size: tuple[int, int], aspect: float
) -> None:
    make_lit_plates(tmp_path, size, 2)
    data = learned(tmp_path, weights)
    data["plate"]["pixel_aspect"] = aspect
    render(shot_from_dict(data))
    for frame in (FIRST, FIRST + 1):
        made = pixels(tmp_path, frame)
        assert made.shape == (size[1], size[0], 3)
        assert np.isfinite(made).all()
        assert made.min() >= 0
        assert header(tmp_path / "out" / f"out.{frame}.exr").get("PixelAspectRatio", 1.0) == aspect


def test_a_network_size_below_the_plate_s_gives_the_plate_s_size(tmp_path: Path, weights: Path) -> None:
    make_lit_plates(tmp_path, (256, 144))
    data = learned(tmp_path, weights)
    small = picture(tmp_path, data)
    assert pixels(tmp_path).shape == (144, 256, 3)
    data["renderer"]["any_to_bokeh"]["size"] = "128x64"
    assert picture(tmp_path, data) != small


def test_the_two_profiles_give_different_pictures(tmp_path: Path, weights: Path) -> None:
    make_plates(tmp_path, 2, *SMALL)
    released = picture(tmp_path, learned(tmp_path, weights))
    assert released == picture(tmp_path, learned(tmp_path, weights, profile="released"))
    paper = picture(tmp_path, learned(tmp_path, weights, profile="paper"))
    assert all(released[name] != paper[name] for name in released)


def test_masks_count_where_they_are_on_and_not_where_they_are_off(tmp_path: Path, weights: Path) -> None:
    """The exponent changes nothing but where the planes' borders lie."""
    make_plates(tmp_path, 2, *SMALL)
    for profile, counts in (("paper", True), ("released", False)):
        exponents = [learned(tmp_path, weights, profile=profile, mask_exponent=value) for value in (0.5, 3.0)]
        one, other = (picture(tmp_path, data) for data in exponents)
        assert (one != other) is counts, profile
    off, on = (picture(tmp_path, learned(tmp_path, weights, mpi_masks=masks)) for masks in ("off", "threshold"))
    assert off != on


@pytest.mark.parametrize("profile", ["released", "paper"])
def test_depth_focus_and_strength_change_the_picture(tmp_path: Path, weights: Path, profile: str) -> None:
    make_plates(tmp_path, 1, *SMALL)
    data = learned(tmp_path, weights, profile=profile, detail=False)
    data["focus"] = {"keys": [{"frame": FIRST, "disparity": 0.6}]}
    data["blur"] = {"keys": [{"frame": FIRST, "value": 6.0}]}
    found = [picture(tmp_path, data)]
    found.append(picture(tmp_path, data | {"focus": {"keys": [{"frame": FIRST, "disparity": 0.4}]}}))
    found.append(picture(tmp_path, data | {"blur": {"keys": [{"frame": FIRST, "value": 3.0}]}}))
    deeper = np.linspace(2, 40, SMALL[0], dtype=np.float32)
    write_exr(tmp_path / "depth" / f"depth.{FIRST}.exr", np.tile(deeper, (SMALL[1], 1))[:, :, None], ("Z",))
    found.append(picture(tmp_path, data))
    assert len({made[f"out.{FIRST}.exr"] for made in found}) == 4


def test_a_shot_without_blur_is_its_plate(tmp_path: Path, weights: Path) -> None:
    make_plates(tmp_path, 3, *SMALL)
    render(shot_from_dict(learned(tmp_path, weights) | {"blur": {"keys": [{"frame": FIRST, "value": 0.0}]}}))
    for frame in range(FIRST, FIRST + 3):
        np.testing.assert_array_equal(pixels(tmp_path, frame), read_exr(tmp_path / "plate" / f"plate.{frame}.exr"))


def test_alpha_is_kept_and_layers_are_those_of_the_optical_renderer(tmp_path: Path, weights: Path) -> None:
    """Frames are held back until their window is done: each still gets its own layers."""
    make_plates(tmp_path, 9, *SMALL)
    for frame in range(FIRST, FIRST + 9):
        image = np.random.default_rng(frame).random((SMALL[1], SMALL[0], 4), dtype=np.float32)
        image[:, : SMALL[0] // 2, 3] = 1
        write_exr(tmp_path / "plate" / f"plate.{frame}.exr", image, ("R", "G", "B", "A"))
    data = learned(tmp_path, weights, layers=("coc", "disparity"))
    render(shot_from_dict(data))
    made = {frame: pixels(tmp_path, frame) for frame in range(FIRST, FIRST + 9)}
    names = list(oiio.ImageBuf(str(tmp_path / "out" / f"out.{FIRST}.exr")).spec().channelnames)
    assert set(names) == {"R", "G", "B", "A", "CoC.x", "disparity.Z"}
    data["renderer"]["name"] = "optical"
    render(shot_from_dict(data), overwrite=True)
    alpha, others = names.index("A"), [names.index(name) for name in ("CoC.x", "disparity.Z")]
    for frame, image in made.items():
        optical = pixels(tmp_path, frame)
        np.testing.assert_array_equal(image[..., others], optical[..., others])
        np.testing.assert_allclose(image[..., alpha], optical[..., alpha], atol=2e-3)
        assert image[..., alpha].std() > 0.05


def test_the_digest_knows_what_changes_pixels_and_nothing_else(tmp_path: Path, weights: Path) -> None:
    make_plates(tmp_path, 2, *SMALL)
    render(shot_from_dict(learned(tmp_path, weights)))
    elsewhere = Path(shutil.copytree(weights, tmp_path / "moved" / "weights"))
    for place, options in ((weights, {}), (weights, {"device": "cpu"}), (elsewhere, {}), (weights, {"compile": True})):
        assert work_left(shot_from_dict(learned(tmp_path, place, **options))) == 0, (place, options)
    others: list[dict[str, Any]] = [
        {"precision": "fp16"},
        {"profile": "paper"},
        {"mpi_masks": "threshold"},
        {"mask_exponent": 1.0},
        {"clip_input": "normalised"},
        {"fps_id": 7},
        {"strength_embedding": "exact"},
        {"strength_values": "as-is"},
        {"overlap": 3},
        {"ramp": "centred"},
        {"blend": "frames"},
        {"decode_window": 6},
        {"decode_overlap": 2},
        {"posterior": "sample"},
        {"size": "128x64"},
        {"exposure": 1.5},
        {"detail": False},
    ]
    for changed in others:
        assert work_left(shot_from_dict(learned(tmp_path, weights, **changed))) == 2, changed
    other_weights = make_weights(tmp_path / "others", seed=12)
    assert work_left(shot_from_dict(learned(tmp_path, other_weights))) == 2


def test_a_frame_of_another_size_inside_the_shot_is_one_sentence(tmp_path: Path, weights: Path) -> None:
    make_plates(tmp_path, 3, *SMALL)
    other = SMALL[::-1]
    write_exr(tmp_path / "plate" / "plate.1003.exr", np.ones((*SMALL, 4), np.float32), ("R", "G", "B", "A"))
    write_exr(tmp_path / "depth" / "depth.1003.exr", np.full((*SMALL, 1), 3, np.float32), ("Z",))
    sentence = rf"frame 1003: .*{other[0]}x{other[1]}.*{SMALL[0]}x{SMALL[1]}"
    with pytest.raises(FrameSizeError, match=sentence):
        render(shot_from_dict(learned(tmp_path, weights)))
    (problem,) = check(shot_from_dict(learned(tmp_path, weights))).problems
    assert re.search(sentence, problem.message), "a check finds it before hours are spent"
    assert not (tmp_path / "out").exists()


def test_a_check_finds_a_bad_folder_and_needs_no_tensors(tmp_path: Path, weights: Path) -> None:
    """Tensors of nothing but NaN pass, since nobody looks at them; one with another shape does not."""
    make_plates(tmp_path, 2, *SMALL)
    spoilt = make_spoilt_weights(tmp_path / "spoilt", lambda tensor: tensor.fill_(nan))
    for place in (weights, spoilt):
        assert check(shot_from_dict(learned(tmp_path, place))).problems == []
    (problem,) = check(shot_from_dict(learned(tmp_path, tmp_path / "plate"))).problems
    assert isinstance(problem, WeightsError)
    (spoilt / "vae" / "diffusion_pytorch_model.safetensors").write_bytes(b"no tensors")
    (problem,) = check(shot_from_dict(learned(tmp_path, spoilt))).problems
    assert problem.code == "weights.corrupt"
    assert not (tmp_path / "out").exists()


def test_weights_of_nan_are_told_and_nothing_is_written(tmp_path: Path) -> None:
    make_plates(tmp_path, 2, *SMALL)
    spoilt = make_spoilt_weights(tmp_path / "spoilt", lambda tensor: tensor.fill_(nan))
    with pytest.raises(NumbersError, match=r"frame 1 of the shot: .*rackfocus weights inspect"):
        render(shot_from_dict(learned(tmp_path, spoilt)))
    assert not (tmp_path / "out").exists()


def test_what_was_redone_in_single_precision_is_told_in_the_summary(tmp_path: Path) -> None:
    """A decoder whose first numbers pass 65,504, the greatest of fp16."""
    make_plates(tmp_path, 2, *SMALL)
    large = make_spoilt_weights(tmp_path / "large", lambda tensor: tensor.mul_(2e5), "decoder.conv_in.")
    events: list[Event] = []
    shot = shot_from_dict(learned(tmp_path, large, precision="fp16"))
    summary = render(shot, report=events.append)
    assert [warning.kind for warning in summary.warnings] == ["network.redone"]
    assert isinstance(events[-1], Summary)
    assert all(np.isfinite(read_exr(file)).all() for file in (tmp_path / "out").iterdir())
