"""Finding files, from the command line: what a person types is taken, told, or answered with what lies there."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest

from engine.frames import Float32Array
from tests.engine.render.shots import write_exr
from ui.cli.app import run


def picture(path: Path, image: Float32Array, channels: tuple[str, ...] = ("R", "G", "B")) -> None:
    spec = oiio.ImageSpec(image.shape[1], image.shape[0], image.shape[2], "uint8")
    spec.channelnames = channels
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), spec), out.geterror()
    assert out.write_image(np.ascontiguousarray(image)), out.geterror()
    assert out.close()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The layout of the published Any-to-Bokeh data: frames, and depth whose names hold the focus."""
    for folder in ("videos", "disp"):
        (tmp_path / folder / "dance").mkdir(parents=True)
    grey = np.tile(np.linspace(0, 1, 32, dtype=np.float32), (18, 1))[:, :, None]
    for frame in range(3):
        picture(tmp_path / "videos" / "dance" / f"{frame:05d}.jpg", np.full((18, 32, 3), 0.2 * frame, np.float32))
        picture(tmp_path / "disp" / "dance" / f"{frame:05d}_zf_{0.53367 + 0.01 * frame:.5f}.png", grey, ("Y",))
    return tmp_path


def rendered(data: Path, *flags: str) -> int:
    inputs = ["--plate", str(data / "videos/dance"), "--depth", str(data / "disp/dance"), "--quality", "draft"]
    return run(["render", *inputs, "--blur", "0=4", "--out", str(data / "out/o.%05d.exr"), *flags])


def test_any_to_bokeh_s_own_layout_is_rendered_as_it_is(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert rendered(data, "--save-shot", str(data / "shot.json")) == 0
    said = capfd.readouterr().err
    assert "hold the focus of 3 frames (0.53367 to 0.55367)" in said
    assert "%05d_zf_*.png" in said
    shot = json.loads((data / "shot.json").read_text())
    assert [key["disparity"] for key in shot["focus"]["keys"]] == [0.53367, 0.54367, 0.55367]
    assert (shot["depth"]["convention"], shot["depth"]["near"], shot["depth"]["far"]) == ("near1", 1.0, 0.0)
    image = oiio.ImageInput.open(str(data / "out" / "o.00001.exr"))
    assert image.spec().getattribute("rackfocus/focus") == pytest.approx(0.54367)
    image.close()
    assert run(["check", str(data / "shot.json")]) == 0


@pytest.mark.parametrize("flags", [["--focus", "0=0.9"], ["--focus", "0=0.9", "--depth-kind", "near1"]])
def test_a_focus_that_is_given_wins(data: Path, flags: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    convention = [] if "--depth-kind" in flags else ["--depth-kind", "near1"]
    assert rendered(data, *flags, *convention) == 0
    assert "hold the focus" not in capfd.readouterr().err


def test_names_without_a_focus_ask_for_one(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for file in sorted((data / "disp" / "dance").iterdir()):
        file.rename(file.with_name(f"{file.name[:5]}.png"))
    assert rendered(data) == 2
    assert "--focus or --focus-distance" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("", "%05d.jpg"),
        ("00001.jpg", "%05d.jpg"),
        ("%05d.jpg", "%05d.jpg"),
        ("#####.jpg", "%05d.jpg"),
        ("*.jpg", "%05d.jpg"),
        ("%04d.JPG", "%05d.jpg"),
    ],
)
def test_info_says_what_a_render_would_take(
    data: Path, name: str, pattern: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["info", str(data / "videos" / "dance" / name), "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["path"] == str(data / "videos" / "dance" / pattern)
    assert (found["frames"], found["format"]) == ("0-2 (3)", "jpeg")


def test_info_tells_holes_and_focus_in_names(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (data / "videos" / "dance" / "00001.jpg").unlink()
    assert run(["info", str(data / "videos" / "dance")]) == 0
    out = capfd.readouterr().out
    assert "frames: 0,2 (2)" in out
    assert run(["info", str(data / "disp" / "dance")]) == 0
    assert "hold the focus of 3 frames" in capfd.readouterr().out


@pytest.mark.parametrize("command", ["info", "render"])
def test_a_path_that_finds_nothing_says_what_is_there(
    data: Path, command: str, capfd: pytest.CaptureFixture[str]
) -> None:
    wrong = str(data / "videos" / "dance" / "frame.%04d.jpg")
    given = [wrong] if command == "info" else ["--plate", wrong, "--focus", "0=1", "--blur", "0=1", "--out", "o.%d.exr"]
    assert run([command, *given]) == 3
    said = capfd.readouterr().err
    assert "holds %05d.jpg 0-2" in said
    assert "%04d, ####, @@@@ or $F4" in said


def test_the_first_frame_of_a_sequence_renders_the_sequence_and_says_so(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for frame in (1001, 1002, 1003):
        depth = np.tile(np.linspace(1, 9, 32, dtype=np.float32), (18, 1))
        image = np.stack([depth / 9, depth / 10, depth / 11, depth], axis=2)
        write_exr(tmp_path / f"plate.{frame}.exr", image, ("R", "G", "B", "Z"))
    flags = ["--plate", str(tmp_path / "plate.1001.exr"), "--near", "1", "--quality", "draft"]
    keys = ["--focus-distance", "1001=2", "--focus-distance", "1003=8", "--blur", "1001=4"]
    assert run(["render", *flags, *keys, "--out", str(tmp_path / "a" / "a.%04d.exr")]) == 0
    assert sorted(file.name for file in (tmp_path / "a").iterdir()) == [f"a.{n}.exr" for n in (1001, 1002, 1003)]
    assert "plate.sequence" in capfd.readouterr().err
    alone = ["--shot-frames", "1002", "--out", str(tmp_path / "b" / "b.%04d.exr")]
    assert run(["render", *flags, *keys, *alone]) == 0
    assert [file.name for file in (tmp_path / "b").iterdir()] == ["b.1002.exr"]
    assert "plate.sequence" not in capfd.readouterr().err


def test_keys_that_all_lie_outside_the_shot_are_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for frame in (1, 2):
        image = np.random.default_rng(frame).random((18, 32, 4), np.float32) + 1
        write_exr(tmp_path / f"p.{frame}.exr", image, ("R", "G", "B", "Z"))
    flags = ["--plate", str(tmp_path / "p.%d.exr"), "--near", "1", "--quality", "draft", "--blur", "1=2"]
    keys = ["--focus", "1001=1", "--focus", "1024=0", "--out", str(tmp_path / "o" / "o.%d.exr")]
    assert run(["render", *flags, *keys]) == 0
    assert "focus.keys lie at frames 1001 to 1024, but the shot has 1 to 2" in capfd.readouterr().err
