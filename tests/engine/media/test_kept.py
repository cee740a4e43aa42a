"""What a movie result takes over from its plate: the times of its pictures and its time code."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from engine.frames import FrameRange
from engine.media import PlateReader
from engine.media.kept import Clock
from engine.shot import Plate

from .clips import Sound, clicks_in, codecs_in, make_clip, render_plainly


def phone(count: int) -> list[Fraction]:
    """Around 30 a second, as phones record: no step is like the next."""
    steps = np.random.default_rng(5).integers(17, 27, count)
    return [Fraction(int(tick), 600) for tick in np.concatenate([[0], np.cumsum(steps)[:-1]])]


TIMES = {
    "a phone": phone(30),
    "a pause": [Fraction(n, 30) + (Fraction(2) if n > 12 else 0) for n in range(30)],
    "a screen": [Fraction(n * n + 3 * n, 600) for n in range(30)],
    "slow motion": [Fraction(n, 240) if n < 20 else Fraction(20, 240) + Fraction(n - 20, 30) for n in range(30)],
    "dropped frames": [Fraction(n + n // 7, 25) for n in range(30)],
}


def times_in(path: Path) -> list[float]:
    """Seconds of each picture since the first one."""
    with av.open(str(path)) as movie:
        found = [frame.time for frame in movie.decode(movie.streams.video[0])]
    return [moment - found[0] for moment in found]


@pytest.mark.parametrize("ending", [".mov", ".mp4", ".mkv"])
@pytest.mark.parametrize("kind", TIMES)
def test_a_movie_keeps_each_pictures_own_time(tmp_path: Path, kind: str, ending: str) -> None:
    times = TIMES[kind]
    clip = make_clip(tmp_path / "a.mp4", Sound(seconds=float(times[-1]) + 0.1), frames=30, times=times)
    whole = render_plainly(clip, tmp_path / f"b{ending}")
    np.testing.assert_allclose(times_in(whole.path), [float(t) for t in times], atol=1.1e-3)
    assert "sound.dropped" not in whole.kinds
    assert len(clicks_in(whole.path)) == len(clicks_in(clip))
    np.testing.assert_allclose(clicks_in(whole.path), clicks_in(clip), atol=0.03)
    part = render_plainly(clip, tmp_path / f"c{ending}", "6-25")
    np.testing.assert_allclose(times_in(part.path), [float(t - times[5]) for t in times[5:25]], atol=1.1e-3)


@pytest.mark.parametrize("ending", [".mov", ".mp4"])
def test_the_last_picture_lasts_as_long_as_it_did(tmp_path: Path, ending: str) -> None:
    clip = make_clip(tmp_path / "a.mp4", frames=30, times=TIMES["slow motion"])
    part = render_plainly(clip, tmp_path / f"b{ending}", "1-20", codec="h264")
    with av.open(str(part.path)) as movie:
        stream = movie.streams.video[0]
        assert float(stream.duration * stream.time_base) == pytest.approx(20 / 240, abs=1e-3)
    whole = render_plainly(clip, tmp_path / f"c{ending}", codec="h264")
    with av.open(str(whole.path)) as ours, av.open(str(clip)) as theirs:
        lengths = [float(s.duration * s.time_base) for s in (ours.streams.video[0], theirs.streams.video[0])]
    assert lengths[0] == pytest.approx(lengths[1], abs=1e-3)


def test_a_rate_that_is_given_makes_times_constant(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", Sound(), frames=30, times=TIMES["a pause"])
    copied = render_plainly(clip, tmp_path / "b.mov", None, {"frame_rate": 30})
    np.testing.assert_allclose(times_in(copied.path), np.arange(30) / 30, atol=1e-3)
    assert codecs_in(copied.path) == []
    assert "others of its own" in copied.said("sound.dropped")


def test_a_phones_trembling_may_be_made_constant_without_losing_its_sound(tmp_path: Path) -> None:
    times = [Fraction(n * 20 + (n % 3) - 1 + (n == 0), 600) for n in range(30)]
    clip = make_clip(tmp_path / "a.mp4", Sound(), frames=30, times=times)
    copied = render_plainly(clip, tmp_path / "b.mov", None, {"frame_rate": 30})
    assert codecs_in(copied.path) == ["aac"]


def test_frames_that_are_left_out_cost_the_times_and_that_is_told(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", frames=30, times=TIMES["a pause"])
    copied = render_plainly(clip, tmp_path / "b.mov", "1-29x2")
    assert "30 a second" in copied.said("times.dropped")
    np.testing.assert_allclose(times_in(copied.path), np.arange(15) / 30, atol=1e-3)


@pytest.mark.parametrize(
    "rate", [Fraction(24), Fraction(24000, 1001), Fraction(15), Fraction(60000, 1001), Fraction(25, 2)]
)
def test_a_constant_rate_stays_exactly_what_it_is(tmp_path: Path, rate: Fraction) -> None:
    clip = make_clip(tmp_path / "a.mp4", frames=12, rate=rate)
    for name in ("b.mov", "b.mp4"):
        with PlateReader(Plate(path=str(render_plainly(clip, tmp_path / name).path))) as reader:
            assert reader.info.frame_rate == rate
            assert reader.info.times is None


def test_a_clock_never_stands_still() -> None:
    frames = FrameRange.of(range(4))
    times = {0: Fraction(0), 1: Fraction(1, 10**6), 2: Fraction(2, 10**6), 3: Fraction(1, 2)}
    clock = Clock.of(Fraction(24), times, frames, None)
    assert clock.ticks == (0, 1, 2, 45000, 45000 + 3750)
    assert [clock.stamp(n) for n in range(6)] == [0, 1, 2, 45000, 48750, 52500]
    assert clock.length(Fraction(45000, 90000)) == Fraction(3750, 90000)


CODES = [
    ("01:02:03:04", Fraction(24)),
    ("01:02:03:04", Fraction(24000, 1001)),
    ("10:00:00:24", Fraction(25)),
    ("00:59:59;28", Fraction(30000, 1001)),
    ("01:00:00:29", Fraction(30)),
    ("10:11:12:49", Fraction(50)),
    ("00:59:59;58", Fraction(60000, 1001)),
    ("23:59:59:59", Fraction(60)),
]


@pytest.mark.parametrize("ending", [".mov", ".mp4", ".mkv"])
@pytest.mark.parametrize(("code", "rate"), CODES)
def test_time_code_is_kept_and_counted(tmp_path: Path, code: str, rate: Fraction, ending: str) -> None:
    clip = make_clip(tmp_path / "a.mov", frames=4, rate=rate, tags={"timecode": code})
    whole = render_plainly(clip, tmp_path / f"b{ending}")
    assert "timecode.dropped" not in whole.kinds
    assert code_of(whole.path) == code
    with PlateReader(Plate(path=str(clip))) as plate:
        third = plate.read(3).metadata["smpte:TimeCode"]
    part = render_plainly(clip, tmp_path / f"c{ending}", "3-4")
    with PlateReader(Plate(path=str(part.path))) as reader:
        assert reader.read(1).metadata["smpte:TimeCode"] == third


def code_of(path: Path) -> str:
    with av.open(str(path)) as movie:
        found = {**movie.metadata, **movie.streams.video[0].metadata}
    return next((text for name, text in found.items() if name.lower() == "timecode"), "")


@pytest.mark.parametrize("rate", [12, 15, 18, 90])
def test_time_code_of_a_rate_that_movies_do_not_count_is_told(tmp_path: Path, rate: int) -> None:
    clip = make_clip(tmp_path / "a.mov", frames=4, tags={"timecode": "01:00:00:00"})
    copied = render_plainly(clip, tmp_path / "b.mov", None, {"frame_rate": rate})
    assert str(rate) in copied.said("timecode.dropped")


@pytest.mark.parametrize(
    ("name", "told"), [("b.%04d.png", True), ("b.%04d.tif", True), ("b.%04d.exr", False), ("b.%04d.dpx", False)]
)
def test_time_code_of_image_files(tmp_path: Path, name: str, told: bool) -> None:
    clip = make_clip(tmp_path / "a.mov", frames=2, tags={"timecode": "01:02:03:04"})
    copied = render_plainly(clip, tmp_path / name)
    assert ("timecode.dropped" in copied.kinds) == told
    if not told:
        with PlateReader(Plate(path=str(copied.path))) as again, PlateReader(Plate(path=str(clip))) as plate:
            assert again.read(1).metadata["smpte:TimeCode"][0] == plate.read(1).metadata["smpte:TimeCode"][0]


def test_the_reel_is_kept(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mov", frames=2, tags={"timecode": "01:02:03:04", "reel_name": "A001C002"})
    copied = render_plainly(clip, tmp_path / "b.mov")
    with av.open(str(copied.path)) as movie:
        reels = [s.metadata.get("reel_name") for s in movie.streams]
    assert "A001C002" in reels
