"""Resume: frames that are done are told by their headers, and only those that are kept are decoded."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

import engine.media.saving as saving
from engine.errors import CancelledError, OutputExistsError, OutputWriteError
from engine.media import FrameWriter
from engine.render import Event, Resuming, render
from engine.render.report import ignore
from engine.render.resume import finished_frames
from tests.engine.render.shots import FIRST, Tint, make_shot, outputs


@pytest.fixture
def decodes(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each finished file is decoded."""
    counts: Counter[str] = Counter()
    real = saving.read_pixels

    def counting(path: Path, *rest: object) -> object:
        counts[path.name] += 1
        return real(path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(saving, "read_pixels", counting)
    return counts


def names(frames: range) -> list[str]:
    return [f"out.{frame}.exr" for frame in frames]


def test_frames_of_other_settings_are_never_decoded(tmp_path: Path, decodes: Counter[str]) -> None:
    render(make_shot(tmp_path), renderer=Tint())
    decodes.clear()
    changed = make_shot(tmp_path, maximum_radius=9.0)
    assert render(changed, renderer=Tint()).written == 5
    assert decodes == {}


def test_frames_that_are_kept_are_decoded_once(tmp_path: Path, decodes: Counter[str]) -> None:
    shot = make_shot(tmp_path)
    render(shot, renderer=Tint())
    decodes.clear()
    assert render(shot, renderer=Tint()).skipped == 5
    assert decodes == dict.fromkeys(names(range(FIRST, FIRST + 5)), 1)


def cut(share: float) -> Callable[[bytes], bytes]:
    return lambda data: data[: int(len(data) * share)]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "no byte": lambda _: b"",
    "cut in its header": cut(0.05),
    "cut in the middle": cut(0.6),
    "last byte missing": lambda data: data[:-1],
    "hole of zeros": lambda data: data[: len(data) - 300] + bytes(200) + data[len(data) - 100 :],
    "another file": lambda _: b"no picture at all, but a line of text",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_copy_of_a_finished_frame_is_made_again(tmp_path: Path, damage: str) -> None:
    shot = make_shot(tmp_path)
    render(shot, renderer=Tint())
    whole = outputs(tmp_path)
    broken = tmp_path / "out" / "out.1003.exr"
    broken.write_bytes(DAMAGES[damage](broken.read_bytes()))
    again = Tint()
    assert render(shot, renderer=again).skipped == 4
    assert again.rendered == [1003]
    assert outputs(tmp_path) == whole


def test_progress_is_told_while_finished_frames_are_looked_at(tmp_path: Path) -> None:
    shot = make_shot(tmp_path)
    events: list[Event] = []
    render(shot, "1001-1003", report=events.append, renderer=Tint())
    assert not [event for event in events if isinstance(event, Resuming)]
    render(shot, report=events.append, renderer=Tint())
    assert [event for event in events if isinstance(event, Resuming)] == [Resuming(done, 3) for done in range(3)]


def test_a_folder_in_place_of_a_frame_is_told(tmp_path: Path) -> None:
    shot = make_shot(tmp_path)
    (tmp_path / "out" / "out.1002.exr").mkdir(parents=True)
    with pytest.raises(OutputWriteError, match=r"frame 1002: .* is a folder"):
        render(shot, renderer=Tint())


class _Stuck:
    """A writer whose files lie on a server that does not answer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.answers = threading.Event()
        (folder / "1.exr").touch()

    def path(self, frame: int) -> Path:
        return self.folder / f"{frame}.exr"

    def header(self, _frame: int) -> dict[str, object]:
        self.answers.wait(30)
        return {}


def test_a_wish_to_stop_is_served_while_a_server_does_not_answer(tmp_path: Path) -> None:
    writer = _Stuck(tmp_path)
    cancel = threading.Event()
    threading.Timer(0.1, cancel.set).start()
    begin = time.monotonic()
    with pytest.raises(CancelledError):
        finished_frames({1: "digest", 2: "digest"}, _as_writer(writer), ignore, cancel)
    assert time.monotonic() - begin < 10
    writer.answers.set()


def test_a_file_of_another_program_is_told_whether_or_not_it_is_whole(tmp_path: Path) -> None:
    shot = make_shot(tmp_path, 2)
    (tmp_path / "out").mkdir()
    plate = (tmp_path / "plate" / "plate.1001.exr").read_bytes()
    for data in (plate, plate[:-40]):
        (tmp_path / "out" / "out.1002.exr").write_bytes(data)
        with pytest.raises(OutputExistsError):
            render(shot, renderer=Tint())


def _as_writer(writer: object) -> FrameWriter:
    return writer  # type: ignore[return-value]
