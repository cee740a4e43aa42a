"""What is said of a movie before its first frame, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.media.movie_index import MovieIndex
from engine.media.movie_times import Rate
from engine.media.movie_turning import Turn
from engine.notices import Notice

__all__ = ["of_alpha", "of_end", "of_fields", "of_rate", "of_stereo", "of_streams", "of_time_code", "of_turn"]


def of_rate(path: Path, rate: Rate, count: int) -> Iterator[Notice]:
    """That pictures lie at times of their own."""
    if rate.varies:
        yield Notice(
            "movie.rate-varies",
            f"{path}: the frame rate varies: {count} pictures at {rate.lowest:.4g} to {rate.highest:.4g} a second, "
            f"mostly {float(rate.rate):.5g}; each is one frame, a movie as result keeps its time and an image "
            "sequence counts pictures; set plate.frame_rate to make the rate constant",
        )


def of_end(path: Path, index: MovieIndex) -> Iterator[Notice]:
    """That a file stops early."""
    if index.left_out:
        pictures = "picture is" if index.left_out == 1 else f"{index.left_out} pictures are"
        yield Notice(
            "movie.cut",
            f"{path}: the last {pictures} incomplete and left out, {len(index)} are read; copy the file again where "
            "it should be longer",
        )
    elif index.is_cut and not index.missing:
        yield Notice(
            "movie.cut",
            f"{path}: the file is shorter than its header says, {len(index)} pictures are in it; copy it again where "
            "it should be longer",
        )


def of_streams(path: Path, taken: str, others: tuple[str, ...]) -> Iterator[Notice]:
    """That one video stream of several is read."""
    if others:
        yield Notice(
            "movie.streams",
            f"{path}: there are {len(others) + 1} video streams and the default one is read ({taken}, not "
            f"{', '.join(others)}); to read another, copy it into a file of its own",
        )


def of_turn(path: Path, turn: Turn) -> Iterator[Notice]:
    """That an odd angle is not followed."""
    if not turn.is_exact:
        yield Notice(
            "movie.turned",
            f"{path}: is to be shown turned by {turn.angle:g} degrees, and the nearest quarter turn is taken; turn it "
            "in an editor where the angle matters",
        )


def of_fields(path: Path, flagged: bool, fields: str | None) -> Iterator[Notice]:
    """That two fields of different moments would be blurred as one picture."""
    if flagged and fields is None:
        yield Notice(
            "movie.interlaced",
            f"{path}: is flagged as interlaced: its two fields may be two moments, which blur together, and the result "
            "has no fields; set plate.fields to deinterlace, or to progressive where both are one moment",
        )


def of_stereo(path: Path, stereo: bool, mode: str) -> Iterator[Notice]:
    """That there is another eye."""
    if stereo or mode not in {"", "mono"}:
        yield Notice(
            "movie.stereo",
            f"{path}: is stereoscopic{f' ({mode})' if mode else ''} and is read as one picture: the other eye of a "
            "two-layer movie is left out, a packed pair is blurred as one; export each eye for itself",
        )


def of_alpha(path: Path, lost: bool) -> Iterator[Notice]:
    """That alpha cannot be decoded."""
    if lost:
        yield Notice(
            "movie.alpha",
            f"{path}: has alpha that cannot be decoded here and is lost; convert it to ProRes 4444 where it matters",
        )


def of_time_code(path: Path, text: str, known: bool, rate: float) -> Iterator[Notice]:
    """That a time code means nothing at this rate."""
    if text and not known:
        yield Notice(
            "movie.timecode",
            f'{path}: its time code "{text}" is none of {rate:.5g} frames a second and is left out; set it anew in '
            "the result where it is needed",
        )
