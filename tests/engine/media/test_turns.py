"""Closing does not wait for a read that hangs, and files are let go of once it comes back."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from engine.errors import CancelledError, CorruptError, MissingFrameError
from engine.media import DepthReader, MatteReader, PlateReader
from engine.media.companion import Companion
from engine.media.source import SequenceSource
from engine.media.turns import Turns
from engine.render import Inputs, render
from engine.shot import Depth, Matte, Plate
from tests.engine.render.shots import Tint, make_plates, make_shot, shot_data


def test_files_are_let_go_of_at_once_where_nobody_reads() -> None:
    turns, gone = Turns(), []
    with turns:
        pass
    turns.close(lambda: gone.append(1))
    assert gone == [1]


def test_who_reads_lets_go_of_the_files_where_closing_did_not_wait() -> None:
    turns, gone = Turns(), threading.Event()
    reads, answers = threading.Event(), threading.Event()

    def read() -> None:
        with turns:
            reads.set()
            answers.wait(30)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    assert reads.wait(30)
    turns.close(gone.set)
    assert not gone.is_set()
    answers.set()
    reader.join(30)
    assert gone.is_set()


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """Every read of pixels hangs: the first event says that one does, the second lets it end."""
    reads, answers = threading.Event(), threading.Event()

    def pixels(*_: object) -> object:
        reads.set()
        answers.wait(30)
        raise CorruptError("the server came back without the file; copy it again")

    monkeypatch.setattr(SequenceSource, "pixels", pixels)
    return reads, answers


def test_inputs_close_while_a_read_hangs(tmp_path: Path, hanging: tuple[threading.Event, threading.Event]) -> None:
    reads, answers = hanging
    inputs = Inputs(make_shot(tmp_path))

    def read() -> None:
        with pytest.raises(CorruptError):
            inputs.read(1001)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    assert reads.wait(30)
    begin = time.monotonic()
    inputs.close()
    assert time.monotonic() - begin < 10  # a hang is for good
    answers.set()
    reader.join(30)


def test_a_cancelled_render_ends_while_a_read_hangs(
    tmp_path: Path, hanging: tuple[threading.Event, threading.Event]
) -> None:
    reads, answers = hanging
    shot = make_shot(tmp_path, depth=shot_data(tmp_path)["depth"] | {"edges": "exact"})
    cancel = threading.Event()
    threading.Thread(target=lambda: (reads.wait(30), cancel.set()), daemon=True).start()
    begin = time.monotonic()
    with pytest.raises(CancelledError):
        render(shot, cancel=cancel, renderer=Tint())
    assert time.monotonic() - begin < 20
    answers.set()


def test_the_first_source_is_closed_where_the_second_cannot_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_plates(tmp_path, 2)
    closed: list[str] = []
    monkeypatch.setattr(SequenceSource, "close", lambda source: closed.append(source.place))
    gone = Plate(path=str(tmp_path / "nowhere" / "p.%04d.exr"), on_missing="hold", frames="1001-1002")
    depth = str(tmp_path / "depth" / "depth.%04d.exr")
    with pytest.raises(MissingFrameError):
        Companion(depth, 0, gone, "depth.path")
    with pytest.raises(MissingFrameError):
        DepthReader(Depth(path=depth), gone)
    with pytest.raises(MissingFrameError):
        MatteReader(Matte(path=depth), gone)
    assert closed == ["depth.path", "depth.path", "matte.path"]


def test_readers_let_go_of_their_files_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_plates(tmp_path, 1)
    closed: list[str] = []
    monkeypatch.setattr(SequenceSource, "close", lambda source: closed.append(source.place))
    with PlateReader(Plate(path=str(tmp_path / "plate" / "plate.%04d.exr"))):
        pass
    assert closed == ["plate.path"]
