"""Losses are said once: a movie result keeps its plate's sound, in step with the pictures, or says that it does not."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from engine.frames import FrameRange
from engine.media import PlateReader, open_writer
from engine.media.sound_plan import sound_table
from engine.shot import Output, Plate

from .clips import CLICK, FIRST, Sound, clicks_in, codecs_in, make_clip, render_plainly, samples_of, write_black

PACKET = 0.03
"""Seconds of the longest packet here: AC-3's 1536 samples."""

KINDS = [
    ("a.mp4", "aac"),
    ("a.mov", "pcm_s24le"),
    ("a.mov", "pcm_f32le"),
    ("a.mkv", "libopus"),
    ("a.mkv", "flac"),
    ("a.mkv", "pcm_s16le"),
    ("a.mp4", "libmp3lame"),
    ("a.ts", "aac"),
    ("a.ts", "ac3"),
    ("a.avi", "pcm_s16le"),
    ("a.mov", "alac"),
]


def expected(begin: float, end: float, clicks: Iterable[float] | None = None) -> list[float]:
    """When clicks are heard in a span of the plate that begins and ends there."""
    places = np.arange(FIRST, 40, CLICK) if clicks is None else clicks
    return [float(place - begin) for place in places if begin - 1e-3 <= place < end - 1e-3]


def assert_in_step(path: Path, wanted: list[float], track: int = 0, overhang: float | None = None) -> None:
    """Every click that is wanted is heard within a packet, and no other is; one may follow in the last packet."""
    heard = clicks_in(path, track)
    if overhang is not None:
        heard = [moment for moment in heard if not overhang <= moment < overhang + 0.1]
    assert len(heard) == len(wanted), (heard, wanted)
    np.testing.assert_allclose(heard, wanted, atol=PACKET)


@pytest.mark.parametrize("ending", [".mov", ".mp4", ".mkv"])
@pytest.mark.parametrize(("name", "codec"), KINDS)
def test_a_movie_keeps_the_sound_of_its_plate_in_step(tmp_path: Path, name: str, codec: str, ending: str) -> None:
    clip = make_clip(tmp_path / name, Sound(codec))
    whole = render_plainly(clip, tmp_path / f"whole{ending}", codec="h264")
    assert_in_step(whole.path, clicks_in(clip))
    assert "sound.dropped" not in whole.kinds
    assert whole.losses == ()
    part = render_plainly(clip, tmp_path / f"part{ending}", "10-30", codec="h264")
    assert_in_step(part.path, expected(9 / 24, 30 / 24, clicks_in(clip)), overhang=21 / 24)


@pytest.mark.parametrize(
    ("codec", "ending", "kept"),
    [
        ("aac", ".mov", "aac"),
        ("pcm_s24le", ".mov", "pcm_s24le"),
        ("ac3", ".mp4", "ac3"),
        ("libopus", ".mp4", "opus"),
        ("flac", ".mkv", "flac"),
    ],
)
def test_what_the_container_holds_is_copied_bit_for_bit(tmp_path: Path, codec: str, ending: str, kept: str) -> None:
    clip = make_clip(tmp_path / "a.mkv", Sound(codec))
    copied = render_plainly(clip, tmp_path / f"b{ending}", codec="h264")
    assert codecs_in(copied.path) == [kept]
    assert "sound.converted" not in copied.kinds
    assert packets(copied.path) == packets(clip)


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as movie:
        return [bytes(packet) for packet in movie.demux(movie.streams.audio[0]) if packet.size]


@pytest.mark.parametrize(
    ("codec", "ending", "kept"),
    [
        ("pcm_s16le", ".mp4", "alac"),
        ("pcm_s24le", ".mp4", "alac"),
        ("pcm_s16le", ".m4v", "alac"),
        ("flac", ".mov", "pcm_s24le"),
        ("libopus", ".mov", "pcm_s24le"),
    ],
)
def test_what_the_container_does_not_hold_is_written_without_loss(
    tmp_path: Path, codec: str, ending: str, kept: str
) -> None:
    clip = make_clip(tmp_path / "a.mkv", Sound(codec))
    copied = render_plainly(clip, tmp_path / f"b{ending}", codec="h264")
    assert codecs_in(copied.path) == [kept]
    assert "is written as" in copied.said("sound.converted")
    assert "rounded" not in copied.said("sound.converted")
    before, after = heard(clip), heard(copied.path)
    length = min(before.shape[1], after.shape[1])
    assert length > 1.4 * 48000
    np.testing.assert_allclose(after[:, :length], before[:, :length], atol=2**-22)


def heard(path: Path) -> np.ndarray:
    with av.open(str(path)) as movie:
        return np.concatenate([samples_of(frame) for frame in movie.decode(movie.streams.audio[0])], axis=1)


@pytest.mark.parametrize("ending", [".mov", ".mp4", ".mkv"])
@pytest.mark.parametrize("begin", [0.5, 0.25, 0.0])
def test_sound_begins_where_it_began(tmp_path: Path, begin: float, ending: str) -> None:
    clip = make_clip(tmp_path / "a.mp4", Sound("aac", begin=begin))
    copied = render_plainly(clip, tmp_path / f"b{ending}", codec="h264")
    np.testing.assert_allclose(clicks_in(copied.path), clicks_in(clip), atol=PACKET)


@pytest.mark.parametrize("seconds", [0.6, 1.5, 4.0])
def test_sound_is_as_long_as_in_the_plate_where_all_of_it_is_rendered(tmp_path: Path, seconds: float) -> None:
    clip = make_clip(tmp_path / "a.mov", Sound("pcm_s16le", seconds))
    assert_in_step(render_plainly(clip, tmp_path / "b.mov").path, expected(0, seconds))
    assert_in_step(render_plainly(clip, tmp_path / "c.mov", "5-36").path, expected(4 / 24, seconds))
    assert_in_step(render_plainly(clip, tmp_path / "d.mov", "1-24").path, expected(0, min(seconds, 1.0)))


@pytest.mark.parametrize("frames", ["1-36", "7-36", "13-24", "36", "22-36"])
def test_a_span_has_its_own_sound(tmp_path: Path, frames: str) -> None:
    clip = make_clip(tmp_path / "a.mp4", Sound())
    copied = render_plainly(clip, tmp_path / "b.mp4", frames)
    span = FrameRange.parse(frames)
    assert_in_step(copied.path, expected((span.first - 1) / 24, span.last / 24))


@pytest.mark.parametrize("first", [0, 1, 86400, 1001, -12])
def test_the_shots_own_frame_numbers_change_nothing(tmp_path: Path, first: int) -> None:
    clip = make_clip(tmp_path / "a.mov", Sound("pcm_s16le"))
    shot = {"frames": str(FrameRange.of(range(first, first + 30)))}
    asked = str(FrameRange.of(range(first + 6, first + 30)))
    copied = render_plainly(clip, tmp_path / "b.mov", asked, shot)
    assert_in_step(copied.path, expected(6 / 24, 30 / 24))


def test_a_long_clip_is_found_in_the_middle(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mkv", Sound("libopus"), frames=480)
    copied = render_plainly(clip, tmp_path / "b.mp4", "400-424")
    assert_in_step(copied.path, expected(399 / 24, 424 / 24))


def test_all_tracks_are_kept_with_their_languages(tmp_path: Path) -> None:
    tracks = [Sound("aac", tags={"language": "eng"}), Sound("ac3", tags={"language": "deu"}), Sound("aac", channels=1)]
    clip = make_clip(tmp_path / "a.mp4", *tracks)
    for ending in (".mov", ".mp4", ".mkv"):
        copied = render_plainly(clip, tmp_path / f"b{ending}", codec="h264")
        assert codecs_in(copied.path) == ["aac", "ac3", "aac"]
        with av.open(str(copied.path)) as movie:
            assert [s.metadata.get("language", "und") for s in movie.streams.audio] == [
                "eng",
                "ger" if ending == ".mov" else "deu",
                "und",
            ]
        for track in range(3):
            assert_in_step(copied.path, expected(0, 1.5), track)


def test_sound_lies_between_the_pictures_that_it_belongs_to(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mov", Sound("pcm_s16le"), frames=192)
    for name in ("b.mov", "b.mp4", "b.mkv"):
        copied = render_plainly(clip, tmp_path / name, codec="h264")
        with av.open(str(copied.path)) as movie:
            placed = [
                (p.pos, float((p.dts if p.dts is not None else p.pts) * p.time_base), p.stream.type)
                for p in movie.demux()
                if p.size and (p.pts is not None or p.dts is not None)
            ]
        moments = {"audio": 0.0, "video": 0.0}
        for _, moment, kind in sorted(placed):
            moments[kind] = moment
            assert abs(moments["audio"] - moments["video"]) < 1.1, name


@pytest.mark.parametrize(
    ("frames", "plate", "why"),
    [
        (None, {"frame_rate": 25}, "run off"),
        (None, {"frame_rate": 23.976}, None),
        (None, {"frame_rate": 30}, "24"),
        ("1-35x2", {}, "not rendered"),
        ("1-5,9-20", {}, "not rendered"),
    ],
)
def test_sound_that_would_run_off_is_left_out_and_told(
    tmp_path: Path, frames: str | None, plate: dict[str, object], why: str | None
) -> None:
    clip = make_clip(tmp_path / "a.mp4", Sound())
    copied = render_plainly(clip, tmp_path / "b.mp4", frames, plate)
    assert codecs_in(copied.path) == ([] if why else ["aac"])
    assert ("sound.dropped" in copied.kinds) == (why is not None)
    assert why is None or why in copied.said("sound.dropped")


@pytest.mark.parametrize("name", ["b.%04d.png", "b.%04d.exr", "b.%04d.tif", "b.%04d.dpx"])
def test_image_files_hold_no_sound_and_that_is_told(tmp_path: Path, name: str) -> None:
    clip = make_clip(tmp_path / "a.mp4", Sound(), Sound(), frames=2)
    copied = render_plainly(clip, tmp_path / name)
    assert "2 tracks" in copied.said("sound.dropped")
    silent = render_plainly(clip, tmp_path / name, sound="none")
    assert "sound.dropped" not in silent.kinds


def test_nobody_who_wants_no_sound_hears_of_it(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", Sound(), frames=4)
    copied = render_plainly(clip, tmp_path / "b.mov", sound="none")
    assert codecs_in(copied.path) == []
    assert copied.kinds <= {"colour.untold"}
    mute = render_plainly(make_clip(tmp_path / "mute.mp4", frames=4), tmp_path / "c.mov")
    assert mute.kinds <= {"colour.untold"}


def test_a_track_that_the_container_cannot_hold_is_told(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mov", Sound("pcm_s16le"), Sound("pcm_s16le", channels=16), frames=12)
    copied = render_plainly(clip, tmp_path / "b.mp4", codec="h264")
    assert codecs_in(copied.path) == ["alac"]
    assert "1 of the plate's 2 tracks" in copied.said("sound.dropped")
    assert codecs_in(render_plainly(clip, tmp_path / "b.mov").path) == ["pcm_s16le", "pcm_s16le"]


def test_samples_that_are_rounded_are_told(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mov", Sound("pcm_f32le"), frames=4)
    assert "rounded to 24 bits" in render_plainly(clip, tmp_path / "b.mp4").said("sound.converted")


@pytest.mark.parametrize("ending", [".mov", ".mp4", ".mkv"])
@pytest.mark.parametrize(
    ("name", "codec"), [("a.ts", "aac"), ("a.mov", "pcm_s16le"), ("a.mkv", "flac"), ("a.mp4", "ac3")]
)
def test_damaged_sound_never_fails_a_render(tmp_path: Path, name: str, codec: str, ending: str) -> None:
    clip = make_clip(tmp_path / name, Sound(codec), frames=24)
    with av.open(str(clip)) as movie:
        places = [(p.pos, p.size) for p in movie.demux(movie.streams.audio[0]) if p.size and p.pos is not None]
    data = bytearray(clip.read_bytes())
    random = np.random.default_rng(3)
    for place, size in places[len(places) // 3 : len(places) // 2]:
        data[place : place + min(size, 150)] = random.bytes(min(size, 150))
    clip.write_bytes(bytes(data))
    copied = render_plainly(clip, tmp_path / f"b{ending}", codec="h264")
    with PlateReader(Plate(path=str(copied.path))) as reader, PlateReader(Plate(path=str(clip))) as plate:
        assert reader.frames == plate.frames


def test_sound_that_cannot_be_written_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = make_clip(tmp_path / "a.mkv", Sound("flac"), frames=6)
    monkeypatch.setattr(
        "engine.media.sound_plan._COPIED", {"mov": frozenset({"flac"}), "mp4": frozenset(), "matroska": frozenset()}
    )
    copied = render_plainly(clip, tmp_path / "b.mov")
    assert codecs_in(copied.path) == []
    assert [loss.kind for loss in copied.losses] == ["sound.damaged"]
    with PlateReader(Plate(path=str(copied.path))) as reader:
        assert len(reader.frames) == 6


def test_a_plate_that_goes_away_costs_only_its_sound(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", Sound(), frames=8)
    with PlateReader(Plate(path=str(clip), colour_space="Raw")) as reader:
        writer = open_writer(Output(path=str(tmp_path / "b.mp4"), colour_space="Raw"), reader.info, reader.frames)
        clip.rename(tmp_path / "elsewhere.mp4")
        write_black(writer, reader, reader.frames)
        writer.close()
    assert [loss.kind for loss in writer.losses] == ["sound.damaged"]
    assert codecs_in(tmp_path / "b.mp4") == []


@pytest.mark.parametrize("frames", [0, 1, 20])
def test_an_aborted_movie_with_sound_leaves_nothing(tmp_path: Path, frames: int) -> None:
    clip = make_clip(tmp_path / "a.mov", Sound("pcm_s16le"))
    with PlateReader(Plate(path=str(clip), colour_space="Raw")) as reader:
        writer = open_writer(Output(path=str(tmp_path / "b.mp4"), colour_space="Raw"), reader.info, reader.frames)
        if frames:
            write_black(writer, reader, range(1, frames + 1))
        writer.abort()
        writer.close()
    assert [path.name for path in tmp_path.iterdir()] == ["a.mov"]


@pytest.mark.parametrize(
    "rate", [Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(50), Fraction(60000, 1001)]
)
def test_sound_stays_in_step_at_every_rate(tmp_path: Path, rate: Fraction) -> None:
    clip = make_clip(tmp_path / "a.mov", Sound("pcm_s16le"), frames=60, rate=rate)
    copied = render_plainly(clip, tmp_path / "b.mov", "16-60")
    assert_in_step(copied.path, expected(float(15 / rate), float(60 / rate)))


def test_the_page_of_what_is_read_names_the_sound_that_is_copied() -> None:
    page = (Path(__file__).parents[3] / "docs" / "what_is_read.md").read_text(encoding="utf-8")
    assert sound_table() in page
