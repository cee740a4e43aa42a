"""Rendered stereo sets become sets of clips: tiny files in each layout, written here as their makers do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.errors import DataSetError
from engine.render import render
from engine.shot.storage import load_shot
from tests.engine.media.pictures import store
from training.data import stereo
from training.data.clips import ClipSet
from training.data.stereo import ORIGIN, Origin, StereoRecipe, import_stereo
from training.data.stereo_layouts import Layout
from training.peers.exr import read_exr

WIDTH, HEIGHT = 64, 48
SKY = 10000.0


def distances(frame: int) -> np.ndarray:
    """(H, W) metres: a box at 2 before a wall that recedes from 5 to 20, and sky above."""
    z = np.tile(np.linspace(5.0, 20.0, WIDTH, dtype=np.float32), (HEIGHT, 1))
    z[:8] = SKY
    z[20:40, 10 + frame : 30 + frame] = 2.0
    return z


def picture(frame: int) -> np.ndarray:
    colour = np.random.default_rng(frame).integers(20, 230, (HEIGHT // 4, WIDTH // 4, 3)).astype(np.uint8)
    return cv2.resize(colour, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)


def tartanair(root: Path, numbers: range = range(5), run: str = "office/Easy/P001") -> None:
    for folder in ("image_left", "depth_left"):
        (root / run / folder).mkdir(parents=True, exist_ok=True)
    for n in numbers:
        assert cv2.imwrite(str(root / run / f"image_left/{n:06d}_left.png"), picture(n))
        np.save(root / run / f"depth_left/{n:06d}_left_depth.npy", distances(n))


def irs(root: Path, numbers: range = range(1, 6), run: str = "Home/Room01Data") -> None:
    (root / run).mkdir(parents=True, exist_ok=True)
    for n in numbers:
        assert cv2.imwrite(str(root / run / f"l_{n:05d}.png"), picture(n - 1))
        assert cv2.imwrite(str(root / run / f"r_{n:05d}.png"), picture(n - 1))
        store(root / run / f"d_{n:05d}.exr", 48.0 / distances(n - 1)[..., None], ("G",), "float")


def recipe(layout: Layout, **values: object) -> StereoRecipe:
    small: dict[str, object] = {"frames": 2, "focal_distances": 2, "strengths": (64,), "moving": False}
    return StereoRecipe.model_validate({"layout": layout, **small, **values})


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize(
    ("layout", "make", "names"),
    [
        ("tartanair", tartanair, ("office-Easy-P001-0", "office-Easy-P001-2")),
        ("irs", irs, ("Home-Room01Data-1", "Home-Room01Data-3")),
    ],
)
def test_both_layouts_give_the_same_clips_with_disparity_fixed_over_each(
    tmp_path: Path, layout: Layout, make: Callable[[Path], None], names: tuple[str, ...]
) -> None:
    make(tmp_path / "src")
    found = import_stereo(tmp_path / "src", tmp_path / "set", recipe(layout))
    assert found.finished == names
    assert len(found.manifest.assets) == 2
    for start, opened in zip((0, 2), found, strict=True):
        assert (opened.clip.width, opened.clip.height, opened.clip.frames) == (WIDTH, HEIGHT, 2)
        origin = Origin.model_validate_json((opened.folder / ORIGIN).read_bytes())
        assert origin.last == origin.first + 1
        for index in range(2):
            # The nearest is 2 m away, and the sky so far that it counts as infinity.
            expected = np.clip(2.0 / distances(start + index), 0.0, 1.0)
            np.testing.assert_allclose(opened.disparity(index), expected, atol=1e-3)
            encoded = picture(start + index)[..., ::-1] / 255.0
            linear = np.where(encoded < 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
            np.testing.assert_allclose(opened.plate(index), linear, atol=2e-3)


def test_a_clip_has_five_focal_distances_of_three_blurs_and_two_sweeps_of_each(tmp_path: Path) -> None:
    tartanair(tmp_path / "src", range(2))
    whole = StereoRecipe(layout="tartanair", frames=2)
    clip = next(iter(import_stereo(tmp_path / "src", tmp_path / "set", whole))).clip
    assert len(clip.focusings) == len({f.name for f in clip.focusings}) == 3 * (5 + 2)
    held = [f for f in clip.focusings if f.name.endswith("-k8") and f.kind == "held"]
    focal = [f.focus[0] for f in held]
    assert focal == sorted(focal, reverse=True)
    assert all(f.focus[0] == f.focus[-1] for f in held)
    swept = {f.kind: f.focus for f in clip.focusings if f.name.endswith("-k8") and f.kind != "held"}
    assert swept == {"near-to-far": (focal[0], focal[-1]), "far-to-near": (focal[-1], focal[0])}
    assert {f.strength[0] for f in clip.focusings} == {k * WIDTH / 1024 for k in (8.0, 16.0, 32.0)}


def test_the_shot_document_of_a_clip_renders_its_truth(tmp_path: Path) -> None:
    tartanair(tmp_path / "src", range(2))
    opened = next(iter(import_stereo(tmp_path / "src", tmp_path / "set", recipe("tartanair"))))
    name = opened.clip.focusings[1].name
    shot = load_shot(opened.folder / name / "shot.json")
    output = shot.output.model_copy(update={"path": str(tmp_path / "out/rendered.%04d.exr")})
    render(shot.model_copy(update={"output": output}))
    for index in range(2):
        again = read_exr(tmp_path / f"out/rendered.{1001 + index}.exr")[..., :3]
        assert np.array_equal(again, opened.bokeh(name, index))
        assert np.abs(again - opened.plate(index)).max() > 0.02


def test_an_import_that_was_stopped_goes_on_to_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tartanair(tmp_path / "src")
    import_stereo(tmp_path / "src", tmp_path / "whole", recipe("tartanair"))
    original, calls = stereo._through_lens, []

    def stopped(*args: object) -> np.ndarray:
        calls.append(args)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return original(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(stereo, "_through_lens", stopped)
    with pytest.raises(KeyboardInterrupt):
        import_stereo(tmp_path / "src", tmp_path / "set", recipe("tartanair"))
    assert len(ClipSet(tmp_path / "set")) == 1
    assert not list((tmp_path / "set").glob(".*")), "nothing half done is left"
    said = []
    import_stereo(tmp_path / "src", tmp_path / "set", recipe("tartanair"), say=lambda *made: said.append(made))
    assert len(calls) == 6 + 4, "the whole clip was kept"
    assert said == [("office-Easy-P001-0", 1, 2), ("office-Easy-P001-2", 2, 2)]
    assert digests(tmp_path / "set") == digests(tmp_path / "whole")


def test_a_gap_in_the_numbers_ends_a_clip(tmp_path: Path) -> None:
    tartanair(tmp_path / "src", range(3))
    tartanair(tmp_path / "src", range(7, 10))
    found = import_stereo(tmp_path / "src", tmp_path / "set", recipe("tartanair", frames=3))
    assert found.finished == ("office-Easy-P001-0", "office-Easy-P001-7")


def test_the_licence_of_the_set_goes_with_its_clips(tmp_path: Path) -> None:
    irs(tmp_path / "src", range(1, 3))
    (tmp_path / "src/LICENSE").write_text("CC BY-NC-SA 4.0\n")
    (asset,) = import_stereo(tmp_path / "src", tmp_path / "set", recipe("irs")).manifest.assets
    assert asset.licence == "CC BY-NC-SA 4.0 (LICENSE)"


def absent(src: Path) -> None:
    src.rename(src.with_name("gone"))


def no_depth(src: Path) -> None:
    next(src.rglob("*.npy")).unlink()


def cut_depth(src: Path) -> None:
    path = next(src.rglob("000000_left_depth.npy"))
    path.write_bytes(path.read_bytes()[:200])


def pickled_depth(src: Path) -> None:
    np.save(next(src.rglob("000000_left_depth.npy")), np.array([object()]), allow_pickle=True)


def flat_depth(src: Path) -> None:
    for path in src.rglob("*.npy"):
        np.save(path, np.full((HEIGHT, WIDTH), 3.0, np.float32))


def other_size(src: Path) -> None:
    np.save(next(src.rglob("000001_left_depth.npy")), np.full((10, 20), 3.0, np.float32))


def other_picture(src: Path) -> None:
    assert cv2.imwrite(str(next(src.rglob("000001_left.png"))), picture(1)[:40])


@pytest.mark.parametrize(
    ("spoil", "values", "said"),
    [
        (absent, {}, "there is no folder .*src"),
        (lambda _: None, {"layout": "irs"}, "no set in the layout irs, which has pictures like Home/scene/l_00001"),
        (lambda _: None, {"frames": 9}, "longest run has 5 frames without a gap, and a clip shall have 9"),
        (no_depth, {}, r"left.png has no depth .*npy; copy it again"),
        (cut_depth, {}, r"000000_left_depth.npy cannot be read"),
        (pickled_depth, {}, r"000000_left_depth.npy cannot be read"),
        (flat_depth, {}, r"depth.npy: depth is 3 in every pixel"),
        (other_size, {}, r"000001_left_depth.npy is 20x10, but the clip began with 64x48"),
        (other_picture, {}, r"000001_left.png is 64x40, but the clip began with 64x48"),
    ],
)
def test_a_set_that_cannot_be_used_is_told_in_one_sentence(
    tmp_path: Path, spoil: Callable[[Path], None], values: dict[str, object], said: str
) -> None:
    tartanair(tmp_path / "src")
    spoil(tmp_path / "src")
    with pytest.raises(DataSetError, match=said):
        import_stereo(tmp_path / "src", tmp_path / "set", recipe(**{"layout": "tartanair", **values}))  # type: ignore[arg-type]


def test_another_folder_s_work_is_not_written_over(tmp_path: Path) -> None:
    tartanair(tmp_path / "src", range(2))
    import_stereo(tmp_path / "src", tmp_path / "set", recipe("tartanair"))
    with pytest.raises(DataSetError, match="differs in strengths; give the same"):
        import_stereo(tmp_path / "src", tmp_path / "set", recipe("tartanair", strengths=(4,)))
    with pytest.raises(DataSetError, match="holds no set of clips"):
        import_stereo(tmp_path / "src", tmp_path / "src", recipe("tartanair"))
