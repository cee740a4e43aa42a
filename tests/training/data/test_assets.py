"""Assets from folders of every layout, each made here by another program's code."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from engine.errors import DataSetError
from tests.engine.media.pictures import store
from training.data.assets import NOT_STATED, AssetLibrary
from training.data.recipe import AssetFolder

COLOUR = (200, 120, 40)
LINEAR = tuple(((c / 255.0 + 0.055) / 1.055) ** 2.4 for c in COLOUR)
"""The sRGB curve, by its own formula."""


def folder(path: Path, holds: str = "elements", licence: str = "") -> AssetFolder:
    return AssetFolder.model_validate({"path": str(path), "holds": holds, "licence": licence})


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def painted(height: int = 40, width: int = 60) -> np.ndarray:
    """(H, W, 3) uint8 in OpenCV's order."""
    return np.full((height, width, 3), COLOUR[::-1], np.uint8)


def matte(height: int = 40, width: int = 60, shift: int = 0, value: int = 255) -> np.ndarray:
    """A box of 20 x 10 pixels, 8 down and 16 + shift to the right."""
    alpha = np.zeros((height, width), np.uint8)
    alpha[8:18, 16 + shift : 36 + shift] = value
    return alpha


def write(path: Path, image: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)
    return path


def write_movie(path: Path, frames: list[np.ndarray]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as movie:
        stream = movie.add_stream("libx264", rate=24, options={"crf": "2"})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv444p"
        for frame in frames:
            movie.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="bgr24")))
        movie.mux(stream.encode())


def rgba_stills(root: Path) -> None:
    for name in ("a.png", "deeper/b.png"):
        write(root / name, np.dstack([painted(), matte()]))


def stills_beside_mattes(root: Path) -> None:
    """As AM-2k: photographs, pure colours and mattes; and a folder that is neither."""
    for name in ("m_001", "m_002"):
        write(root / "train/original" / f"{name}.jpg", np.full_like(painted(), 255))
        write(root / "train/fg" / f"{name}.png", painted())
        write(root / "train/mask" / f"{name}.png", matte())
        write(root / "train/trimap" / f"{name}.png", matte())


def movies(root: Path) -> None:
    """As VideoMatte240K: the box moves a pixel to the right each frame."""
    write_movie(root / "train/fgr/0000.mp4", [painted()] * 12)
    write_movie(root / "train/pha/0000.mp4", [np.dstack([matte(shift=k)] * 3) for k in range(12)])


def folders_of_frames(root: Path) -> None:
    for k in range(12):
        write(root / f"train/fgr/0000/{k:05d}.png", painted())
        write(root / f"train/pha/0000/{k:05d}.png", matte(shift=k))


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (rgba_stills, {"set/a.png", "set/deeper/b.png"}),
        (stills_beside_mattes, {"set/train/fg/m_001.png", "set/train/fg/m_002.png"}),
        (movies, {"set/train/fgr/0000.mp4"}),
        (folders_of_frames, {"set/train/fgr/0000"}),
    ],
)
def test_every_layout_gives_linear_premultiplied_elements_cropped_to_their_alpha(
    tmp_path: Path, make: Callable[[Path], None], names: set[str]
) -> None:
    make(tmp_path / "set")
    library = AssetLibrary([folder(tmp_path / "set")])
    library.check()
    random = rng()
    props = [library.element(random, 1000) for _ in range(12)]
    assert {prop.name for prop in props} == names
    lossy = next(iter(names)).endswith(".mp4")
    for prop in props:
        (surface,) = prop.frames
        assert surface.dtype == np.float32
        if not lossy:
            assert surface.shape == (10, 20, 4)
            np.testing.assert_allclose(surface, np.broadcast_to((*LINEAR, 1.0), surface.shape), atol=2e-3)
        else:
            # A movie is seen as a screen shows it, by gamma 2.4, and its edges ring a little.
            expected = [(c / 255.0) ** 2.4 for c in COLOUR]
            np.testing.assert_allclose(np.median(surface, axis=(0, 1)), (*expected, 1.0), atol=0.02)
    found = library.asset(props[0].name)
    assert found is not None
    assert found.name == props[0].name
    assert found.source == str(tmp_path / "set")
    assert len(found.digest) == 64


def test_soft_alpha_is_multiplied_in_after_the_curve(tmp_path: Path) -> None:
    write(tmp_path / "s/a.png", np.dstack([painted(), matte(value=255) // 2 + matte(shift=4) // 4]))
    surface = AssetLibrary([folder(tmp_path / "s")]).element(rng(), 1000).frames[0]
    np.testing.assert_allclose(surface[..., :3], surface[..., 3:] * np.float32(LINEAR), atol=1e-4)
    assert len(np.unique(surface[..., 3])) > 2


def test_a_float_picture_with_alpha_is_taken_as_it_is(tmp_path: Path) -> None:
    image = np.zeros((20, 30, 4), np.float32)
    image[5:9, 7:19] = (4.0, 0.25, 0.0, 0.75)
    (tmp_path / "s").mkdir()
    store(tmp_path / "s/lamp.exr", image)
    surface = AssetLibrary([folder(tmp_path / "s")]).element(rng(), 1000).frames[0]
    assert np.array_equal(surface, image[5:9, 7:19])


@pytest.mark.parametrize("make", [movies, folders_of_frames])
def test_a_clip_gives_every_few_frames_in_one_box(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "set")
    library = AssetLibrary([folder(tmp_path / "set")], frames=3, every=4)
    frames = library.element(rng(3), 1000).frames
    assert len(frames) == 3
    assert len({frame.shape for frame in frames}) == 1
    middles = [(frame[..., 3].sum(axis=0) * np.arange(frame.shape[1])).sum() / frame[..., 3].sum() for frame in frames]
    np.testing.assert_allclose(np.diff(middles), 4.0, atol=0.1)
    # All twelve are taken where more are wanted than there are.
    assert len(AssetLibrary([folder(tmp_path / "set")], frames=25).element(rng(), 1000).frames) == 12


def test_large_pictures_are_made_smaller_and_keep_their_mean(tmp_path: Path) -> None:
    noise = rng().integers(0, 255, (90, 160, 3)).astype(np.uint8)
    write(tmp_path / "s/a.png", np.dstack([noise, np.full((90, 160), 255, np.uint8)]))
    library = AssetLibrary([folder(tmp_path / "s")])
    full, small = (library.element(rng(), width).frames[0] for width in (160, 40))
    assert small.shape == (22, 40, 4)
    np.testing.assert_allclose(small.mean(axis=(0, 1)), full.mean(axis=(0, 1)), rtol=0.02)
    assert small[..., 3].max() <= 1.0


def test_backgrounds_are_opaque_pictures_of_any_kind(tmp_path: Path) -> None:
    write(tmp_path / "b/a.jpg", painted())
    write(tmp_path / "b/c.png", np.dstack([painted(), matte()]))
    library = AssetLibrary([folder(tmp_path / "b", "backgrounds")])
    library.check()
    random = rng()
    for _ in range(4):
        (surface,) = library.background(random, 1000).frames
        assert surface.shape == (40, 60, 4)
        assert np.all(surface[..., 3] == 1.0)


def test_what_no_folder_holds_is_made_by_code(tmp_path: Path) -> None:
    write(tmp_path / "b/a.jpg", painted())
    library = AssetLibrary([folder(tmp_path / "b", "backgrounds")])
    prop = library.element(rng(), 64)
    assert prop.frames[0].shape[2] == 4
    assert library.asset(prop.name) is None


def test_the_same_state_draws_the_same(tmp_path: Path) -> None:
    rgba_stills(tmp_path / "set")
    movies(tmp_path / "clips")
    folders = [folder(tmp_path / "set"), folder(tmp_path / "clips")]
    draws = []
    for _ in range(2):
        library, random = AssetLibrary(folders, frames=2), rng(5)
        draws.append([library.element(random, 50) for _ in range(6)])
    for first, again in zip(*draws, strict=True):
        assert first.name == again.name
        assert np.array_equal(first.frames, again.frames)
    assert len({prop.name for prop in draws[0]}) > 1


def test_a_licence_is_what_the_recipe_says_or_the_folder_s_own_file(tmp_path: Path) -> None:
    rgba_stills(tmp_path / "set")

    def licence(said: str = "") -> str:
        found = AssetLibrary([folder(tmp_path / "set", licence=said)]).asset("set/a.png")
        assert found is not None
        assert found.digest == hashlib.sha256((tmp_path / "set/a.png").read_bytes()).hexdigest()
        return found.licence

    assert licence() == NOT_STATED
    (tmp_path / "set/LICENSE.txt").write_text("\n  CC BY 4.0\nfull text\n")
    assert licence() == "CC BY 4.0 (LICENSE.txt)"
    assert licence("bought from a shop") == "bought from a shop"


def missing(root: Path) -> None:
    del root


def empty(root: Path) -> None:
    root.mkdir()


def without_alpha(root: Path) -> None:
    write(root / "plain.png", painted())


def all_clear(root: Path) -> None:
    write(root / "clear.png", np.dstack([painted(), matte(value=20)]))


def without_a_matte(root: Path) -> None:
    write(root / "fgr/one.png", painted())
    write(root / "pha/two.png", matte())


def of_another_size(root: Path) -> None:
    write(root / "fgr/one.png", painted())
    write(root / "pha/one.png", matte(50, 70))


def longer_than_its_matte(root: Path) -> None:
    for k in range(3):
        write(root / f"fgr/c/{k}.png", painted())
    write(root / "pha/c/0.png", matte())


def truncated(root: Path) -> None:
    path = write(root / "cut.png", np.dstack([painted(), matte()]))
    path.write_bytes(path.read_bytes()[:60])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (missing, "there is no folder .*set; correct its path"),
        (empty, "holds no elements; put pictures with alpha"),
        (without_alpha, r"plain.png has no alpha"),
        (all_clear, r"clear.png: its alpha shows nothing"),
        (without_a_matte, r"one.png has no matte; put one called one into"),
        (of_another_size, r"one.png is 60x40 but its matte .*one.png is 70x50"),
        (longer_than_its_matte, r"0.png has 3 frames but its matte .* has 1"),
        (truncated, r"cut.png cannot be used"),
    ],
)
def test_a_folder_that_cannot_be_used_is_told_by_the_file_s_name(
    tmp_path: Path, make: Callable[[Path], None], said: str
) -> None:
    make(tmp_path / "set")
    with pytest.raises(DataSetError, match=said):
        AssetLibrary([folder(tmp_path / "set")]).check()


def test_frames_of_mixed_sizes_are_refused(tmp_path: Path) -> None:
    for k in range(2):
        write(tmp_path / f"s/fgr/c/{k}.png", painted(40 + k))
        write(tmp_path / f"s/pha/c/{k}.png", matte(40 + k))
    with pytest.raises(DataSetError, match="60x40 and 60x41"):
        AssetLibrary([folder(tmp_path / "s")], frames=2).element(rng(), 100)


def test_two_folders_of_one_name_are_refused(tmp_path: Path) -> None:
    for parent in ("x", "y"):
        rgba_stills(tmp_path / parent / "set")
    with pytest.raises(DataSetError, match=r"both hold set/a\.png; rename one"):
        AssetLibrary([folder(tmp_path / "x/set"), folder(tmp_path / "y/set")])
