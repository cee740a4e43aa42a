"""Whatever is wrong: one sentence with the place, a stable code and status, no traceback, nothing left behind."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.engine.render.shots import make_plates, read_exr, shot_data, write_exr
from tests.small_disk import small_disk
from ui.cli.app import run

Data = dict[str, Any]
Damage = Callable[[Path, Data], None]


def plate(folder: Path, frame: int = 1002) -> Path:
    return folder / "plate" / f"plate.{frame}.exr"


def depth(folder: Path, frame: int = 1002) -> Path:
    return folder / "depth" / f"depth.{frame}.exr"


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def put(part: str, **values: object) -> Damage:
    """Damage to the document: fields of a part, or of the top where ``part`` is empty."""

    def change(_folder: Path, data: Data) -> None:
        (data[part] if part else data).update(values)

    return change


def on_disk(what: Callable[[Path], object]) -> Damage:
    return lambda folder, _data: (what(folder), None)[1]


def small_depth(folder: Path) -> None:
    write_exr(depth(folder), np.ones((8, 12, 1), np.float32), ("Z",))


def equal_depth(folder: Path, data: Data) -> None:
    for frame in range(1001, 1006):
        write_exr(depth(folder, frame), np.full((16, 24, 1), 7.0, np.float32), ("Z",))
    del data["depth"]["near"]


def with_matte(write: Callable[[Path], object], **fields: object) -> Damage:
    """A document with a matte, whose one picture stands for all frames."""

    def damage(folder: Path, data: Data) -> None:
        write(folder / "matte.exr")
        data["matte"] = {"path": str(folder / "matte.exr"), **fields}

    return damage


def small_matte(file: Path) -> None:
    write_exr(file, np.ones((8, 12, 1), np.float32), ("A",))


def large_values(file: Path) -> None:
    write_exr(file, np.full((16, 24, 1), 255, np.float32), ("A",))


def no_red(folder: Path) -> None:
    write_exr(plate(folder), np.ones((16, 24, 2), np.float32), ("G", "B"))


def over_the_plate(_folder: Path, data: Data) -> None:
    data["output"]["path"] = data["plate"]["path"]


def in_millimetres(_folder: Path, data: Data) -> None:
    del data["blur"]
    data["lens"] = {"focal_length": 50, "f_number": 2, "world_unit": "mm"}


def key(frame: float, **value: object) -> Data:
    return {"frame": frame, **value}


DISPARITY = [key(1001, disparity=0.5)]

CASES: dict[str, tuple[Damage, str, int, str]] = {
    "missing plate": (on_disk(lambda f: plate(f).unlink()), "media.missing", 3, "1002"),
    "missing depth": (on_disk(lambda f: depth(f).unlink()), "media.missing", 3, "1002"),
    "no plate at all": (put("plate", path="/nowhere/p.%04d.exr"), "media.missing", 3, "/nowhere"),
    "truncated plate": (on_disk(lambda f: truncate(plate(f))), "media.corrupt", 3, "plate.1002.exr"),
    "truncated depth": (on_disk(lambda f: truncate(depth(f))), "media.corrupt", 3, "depth.1002.exr"),
    "no EXR": (on_disk(lambda f: plate(f).write_bytes(b"not a picture")), "media.", 3, "plate.1002.exr"),
    "empty file": (on_disk(lambda f: plate(f).write_bytes(b"")), "media.", 3, "plate.1002.exr"),
    "other size": (on_disk(small_depth), "depth.size", 3, "12x8"),
    "no matte": (put("", matte={"path": "/nowhere/m.%04d.exr"}), "media.missing", 3, "/nowhere"),
    "matte of another size": (with_matte(small_matte), "matte", 3, "12x8"),
    "matte from 0 to 255": (with_matte(large_values), "matte", 3, "255"),
    "matte without its channel": (with_matte(small_matte, channel="W"), "media.channel", 3, '"W"'),
    "matte without a path": (put("", matte={"channel": "A"}), "shot", 2, "matte.path is missing"),
    "disparity of a matte beyond 1": (put("", matte={"path": "m.exr", "disparity": 2}), "shot", 2, "matte.disparity"),
    "missing channel": (put("depth", channel="W"), "media.channel", 3, '"W"'),
    "missing layer": (put("plate", layer="beauty"), "media.channel", 3, "beauty"),
    "no red": (on_disk(no_red), "media.channel", 3, "plate.1002.exr"),
    "all-equal depth": (equal_depth, "depth.range", 3, "7"),
    "limits without a range": (put("depth", near=5.0, far=5.0), "depth.range", 3, "near"),
    "unknown colour space": (put("plate", colour_space="Kodachrome"), "media.colour", 3, "Kodachrome"),
    "unknown compression": (put("output", compression="zap"), "media.format", 3, "zap"),
    "unknown file type": (put("output", path="/tmp/result.%04d.gif"), "media.format", 3, "gif"),
    "one file for many frames": (put("output", path="@/one.exr"), "shot", 2, "frame number"),
    "folder that cannot be made": (put("output", path="/proc/r/r.%04d.exr"), "output.write", 4, "/proc/r"),
    "output over input": (over_the_plate, "output.exists", 4, "plate"),
    "keys out of order": (
        put("focus", keys=[key(1005, disparity=0.1), key(1001, disparity=0.9)]),
        "shot.keys", 2, "focus.keys",
    ),
    "keys repeated": (put("blur", keys=[key(1001, value=1), key(1001, value=2)]), "shot.keys", 2, "1001"),
    "no keys": (put("focus", keys=[]), "shot.keys", 2, "focus.keys"),
    "key outside the picture": (
        put("focus", keys=[key(1001, pixel=[4000, 3])]), "shot.keys", 2, "1001 picks the pixel 4000",
    ),
    "key outside the shot": (put("focus", keys=[key(2001, pixel=[4, 3])]), "shot.keys", 2, "2001"),
    "two kinds of key": (put("focus", keys=[key(1001, disparity=0.5, distance=3)]), "shot", 2, "focus.keys"),
    "negative K": (put("blur", keys=[key(1001, value=-3)]), "optics", 2, "blur.keys"),
    "infinite K": (put("blur", keys=[key(1001, value=float("inf"))]), "optics", 2, "blur.keys"),
    "K that is no number": (put("blur", keys=[key(1001, value=float("nan"))]), "optics", 2, "blur.keys"),
    "K and a lens": (put("", lens={"focal_length": 50, "f_number": 2}), "shot", 2, "lens"),
    "a lens nearer than its focal length": (in_millimetres, "optics", 2, "mm"),
    "two blades": (put("", aperture={"blades": 2}), "", 2, "blades"),
    "unknown field": (put("", fokus={}), "shot", 2, "fokus"),
    "misspelt field": (put("depth", neer=2.0), "shot", 2, "neer"),
    "newer schema": (put("", schema_version=999), "shot.schema", 2, "999"),
    "text for a number": (put("", maximum_radius="wide"), "shot", 2, "maximum_radius"),
    "long metadata name": (put("output", metadata={"m" * 32: "x"}), "shot", 2, "31"),
}  # fmt: skip


def tree(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*")}


@pytest.fixture
def data(tmp_path: Path) -> Data:
    make_plates(tmp_path)
    return shot_data(tmp_path)


def told(capfd: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """Code and message of the one line that there may be on standard error."""
    error = capfd.readouterr().err
    assert "Traceback" not in error
    lines = error.splitlines()
    assert len(lines) == 1, error
    start, kind, code, message = lines[0].split(": ", 3)
    assert (start, kind) == ("rackfocus", "error")
    return code, message


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_one_sentence_and_leaves_nothing(
    name: str, tmp_path: Path, data: Data, capfd: pytest.CaptureFixture[str]
) -> None:
    damage, code, status, place = CASES[name]
    damage(tmp_path, data)
    data["output"]["path"] = data["output"]["path"].replace("@", str(tmp_path / "out"))
    document = tmp_path / "shot.json"
    document.write_text(json.dumps(data))
    before = tree(tmp_path)
    frames = [] if name == "one file for many frames" else ["--frames", "1002"]
    assert run(["render", str(document), "--json", *frames]) == status
    found, message = told(capfd)
    assert found.startswith(code) if code.endswith(".") or not code else found == code
    assert place in message
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    ("arguments", "code", "place"),
    [
        (["--frames", "2000-2010"], "shot", "2000-2010"),
        (["--frames", "ten"], "shot", "ten"),
        (["--frames", "1005-1001"], "shot", "backwards"),
        (["--quality", "ultra"], "shot", "renderer.quality"),
        (["--near", "-1"], "depth.range", "near"),
        (["--blur", "1001=nan"], "optics", "blur.keys"),
        (["--blur", "1001"], "shot.keys", "--blur"),
        (["--focus", "x=1"], "shot.keys", "--focus"),
        (["--aperture-blades", "5"], "usage", "--aperture-blades"),
        (["--near", "close"], "usage", "--near"),
        (["--blur", "1001=3", "--focal-length", "50", "--f-number", "2"], "shot", "both blur and lens"),
    ],
)
def test_a_bad_flag_is_one_sentence(
    arguments: list[str], code: str, place: str, tmp_path: Path, data: Data, capfd: pytest.CaptureFixture[str]
) -> None:
    document = tmp_path / "shot.json"
    document.write_text(json.dumps(data))
    status = run(["render", str(document), "--json", *arguments])
    found, message = told(capfd)
    assert found == code
    assert status == (3 if code.startswith("depth") else 2)
    assert place in message


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"plate": 3}', "\x00\xff", '{"plate": {"path": "a"}} trailing']
)
def test_what_is_no_document_is_one_sentence(text: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    document = tmp_path / "shot.json"
    document.write_bytes(text.encode("latin-1"))
    assert run(["check", str(document)]) == 2
    code, message = told(capfd)
    assert code.startswith("shot")
    assert "shot.json" in message


def test_a_document_that_is_not_there_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["render", str(tmp_path / "none.json")]) == 2
    assert "none.json" in told(capfd)[1]


@pytest.mark.parametrize("choice", ["hold", "black"])
def test_a_missing_frame_can_be_held_or_black(choice: str, tmp_path: Path, data: Data) -> None:
    document = tmp_path / "shot.json"
    document.write_text(json.dumps(data))
    plate(tmp_path).unlink()
    assert run(["render", str(document), "--json", "--on-missing", choice, "--frames", "1002"]) == 0
    assert (read_exr(tmp_path / "out" / "out.1002.exr")[:, :, :3].max() == 0) == (choice == "black")


def test_depth_of_another_frame_is_told(tmp_path: Path, data: Data, capfd: pytest.CaptureFixture[str]) -> None:
    document = tmp_path / "shot.json"
    document.write_text(json.dumps(data))
    depth(tmp_path).unlink()
    assert run(["render", str(document), "--on-missing", "hold"]) == 0
    error = capfd.readouterr().err
    assert "warning: depth.substituted: frames without a depth file got that of another frame" in error
    assert "plate.substituted" not in error


def test_flat_depth_whose_limits_are_given_is_told(
    tmp_path: Path, data: Data, capfd: pytest.CaptureFixture[str]
) -> None:
    write_exr(depth(tmp_path), np.full((16, 24, 1), 0.5, np.float32), ("Z",))
    data["depth"].update(convention="near1")
    document = tmp_path / "shot.json"
    document.write_text(json.dumps(data))
    assert run(["render", str(document), "--frames", "1001-1002"]) == 0
    assert "warning: depth.flat: the depth is the same in every pixel" in capfd.readouterr().err


def test_a_movie_of_the_whole_shot_is_not_replaced_by_some_frames(
    tmp_path: Path, data: Data, capfd: pytest.CaptureFixture[str]
) -> None:
    document = tmp_path / "shot.json"
    document.write_text(json.dumps(data))
    render = ["render", str(document), "--json", "--out", str(tmp_path / "m.mov")]
    assert [run(render), run(render)] == [0, 0]
    assert run([*render, "--frames", "1002"]) == 4
    assert told(capfd) == (
        "output.exists",
        f"output.path: {tmp_path / 'm.mov'} has 5 frames and would be replaced by 1; "
        "choose another output or give --overwrite",
    )
    assert run([*render, "--frames", "1002", "--overwrite"]) == 0


def test_values_that_are_not_finite_are_repaired_with_one_warning_and_a_count(
    tmp_path: Path, data: Data, capfd: pytest.CaptureFixture[str]
) -> None:
    for frame in (1001, 1002, 1003):
        image = np.full((16, 24, 4), 0.5, np.float32)
        image[2, 3, 1], image[4, 5, 2] = np.nan, np.inf
        write_exr(plate(tmp_path, frame), image, ("R", "G", "B", "A"))
        values = np.tile(np.linspace(2, 9, 24, dtype=np.float32), (16, 1))[:, :, None]
        values[3, 3] = np.nan
        write_exr(depth(tmp_path, frame), values, ("Z",))
    document = tmp_path / "shot.json"
    document.write_text(json.dumps(data))
    assert run(["render", str(document), "--json", "--frames", "1001-1003"]) == 0
    events = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    warnings = {event["kind"]: event for event in events if event["event"] == "warning"}
    assert set(warnings) == {"plate.repaired", "depth.repaired"}
    assert warnings["plate.repaired"]["frames"] == 3
    assert "6 plate" in warnings["plate.repaired"]["message"]
    assert "3 depth values that are no depth" in warnings["depth.repaired"]["message"]
    for file in (tmp_path / "out").iterdir():
        assert np.isfinite(read_exr(file)).all()


def test_a_full_disk_is_one_sentence_and_leaves_no_partial_file(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    make_plates(tmp_path, 3, 192, 128)
    document = tmp_path / "shot.json"
    document.write_text(json.dumps(shot_data(tmp_path)))
    assert run(["render", str(document), "--json"]) == 0  # compiles what it needs while files may grow
    kept = {file: file.read_bytes() for file in (tmp_path / "out").iterdir()}
    capfd.readouterr()
    with small_disk(4096):
        status = run(["render", str(document), "--json", "--overwrite"])
    assert status == 4
    code, message = told(capfd)
    assert code == "output.write"
    assert "out.1001.exr" in message
    assert {file: file.read_bytes() for file in (tmp_path / "out").iterdir()} == kept


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_read_only_folder_is_one_sentence(tmp_path: Path, data: Data, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").mkdir(mode=0o555)
    document = tmp_path / "shot.json"
    document.write_text(json.dumps(data))
    assert run(["render", str(document), "--json"]) == 4
    assert told(capfd)[0] == "output.write"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"compression": "zap"}, "media.format"),
        ({"colour_space": "Kodachrome"}, "media.colour"),
        ({"path": "r.%04d.gif"}, "media.format"),
        ({"path": "r.%04d.png", "layers": ["coc"]}, "media.format"),
        ({"path": "r.mp4", "codec": "prores"}, "media.format"),
        ({"path": "r.exr"}, "shot"),
        ({"path": "shot.json/r.%04d.exr"}, "output.write"),
    ],
)
def test_check_finds_what_cannot_be_written(
    changes: Data, code: str, tmp_path: Path, data: Data, capfd: pytest.CaptureFixture[str]
) -> None:
    document = tmp_path / "shot.json"
    document.write_text(json.dumps(data | {"output": data["output"] | changes}))
    before = tree(tmp_path)
    assert run(["check", str(document)]) != 0
    assert told(capfd)[0] == code
    assert tree(tmp_path) == before


def test_check_finds_keys_that_point_nowhere_before_the_limits_are_known(
    tmp_path: Path, data: Data, capfd: pytest.CaptureFixture[str]
) -> None:
    data["focus"]["keys"] = [key(1001, pixel=[4, 99]), key(2001, pixel=[4, 3])]
    del data["depth"]["near"]
    document = tmp_path / "shot.json"
    document.write_text(json.dumps(data))
    assert run(["check", str(document)]) == 2
    first, second = capfd.readouterr().err.splitlines()
    assert "the key at frame 1001 picks the pixel 4,99, but the picture goes from 0,0 to 24,16" in first
    assert "the key at frame 2001 picks a pixel, but the shot has only 1001-1005" in second


@pytest.mark.parametrize("name", ["plate\udcff.%04d.exr", "plate\udcff.mov"])
def test_a_name_that_is_no_text_is_one_sentence(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["info", name]) == 2
    assert "is not UTF-8 text" in told(capfd)[1]


def test_check_tells_every_problem_and_renders_nothing(
    tmp_path: Path, data: Data, capfd: pytest.CaptureFixture[str]
) -> None:
    plate(tmp_path, 1002).write_bytes(b"")
    small_depth_at = depth(tmp_path, 1004)
    write_exr(small_depth_at, np.ones((8, 12, 1), np.float32), ("Z",))
    document = tmp_path / "shot.json"
    document.write_text(json.dumps(data))
    before = tree(tmp_path)
    assert run(["check", str(document)]) == 3
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "plate.1002.exr" in lines[0]
    assert "frame 1004: depth is 12x8" in lines[1]
    assert tree(tmp_path) == before
