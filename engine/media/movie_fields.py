"""Interlaced pictures: one progressive picture of two fields, by FFmpeg's bwdif."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction

import av

__all__ = ["deinterlaced"]

_NOTHING_YET = (av.error.BlockingIOError, av.error.EOFError)


def deinterlaced(
    picture: Callable[[int], av.VideoFrame], place: int, count: int, base: Fraction, every: bool
) -> av.VideoFrame:
    """One picture of a movie without its fields.

    The filter looks at the picture before and the one after, and at nothing else, so that a picture is the same in
    whatever order pictures are asked for.

    Args:
        picture: gives the picture at a place.
        place: of the picture, from 0.
        count: pictures of the movie.
        base: seconds of a tick of the movie's clock.
        every: whether pictures that are not flagged as interlaced are treated too.
    """
    # Asked for in order, so that decoding runs forwards.
    pictures = {n: picture(n) for n in (place - 1, place, place + 1) if 0 <= n < count}
    middle = pictures[place]
    alike = {n: frame for n, frame in pictures.items() if _kind(frame) == _kind(middle)}
    graph = av.filter.Graph()
    source = graph.add_buffer(width=middle.width, height=middle.height, format=middle.format, time_base=base)
    bwdif = graph.add("bwdif", f"mode=send_frame:parity=auto:deint={'all' if every else 'interlaced'}")
    sink = graph.add("buffersink")
    source.link_to(bwdif)
    bwdif.link_to(sink)
    graph.configure()
    found: list[av.VideoFrame] = []
    for frame in alike.values():
        graph.push(frame)
        _pull(graph, found)
    graph.push(None)
    _pull(graph, found)
    return found[list(alike).index(place)]


def _kind(frame: av.VideoFrame) -> tuple[int, int, str]:
    return frame.width, frame.height, frame.format.name


def _pull(graph: av.filter.Graph, found: list[av.VideoFrame]) -> None:
    with suppress(*_NOTHING_YET):
        while True:
            frame = graph.pull()
            assert isinstance(frame, av.VideoFrame)
            found.append(frame)
