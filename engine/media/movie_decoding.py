"""Pictures of a movie by their place, decoded forwards or from the key picture before.

Asked in any order, a picture is the same: decoding starts at a key picture that is shown no later, and what comes out
is told by its moment, never by counting, except in movies whose moments say nothing; those are decoded from the start.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final

import av

from engine.media.movie_index import MovieIndex
from engine.media.movie_streams import DAMAGE, VideoPacket, cause_of, open_movie

__all__ = ["Decoding", "UndecodableError"]

_NEAR: Final = 8
"""Pictures up to which decoding forwards beats going to a key picture."""

_KEPT: Final = 4
"""Pictures kept: what a filter over three of them needs, and the one before."""


class UndecodableError(Exception):
    """A picture that the index has and decoding does not give; the message is why, or empty."""


class Decoding:
    """Decodes one movie; asked by one thread at a time.

    Args:
        path: of the movie.
        place: how errors name it.
        index: its pictures.
        remember: pictures kept after they were asked for; a filter over neighbours needs three.
    """

    def __init__(self, path: Path, place: str, index: MovieIndex, remember: int = 1) -> None:
        self._path = path
        self._place = place
        self._index = index
        self._remember = min(remember, _KEPT)
        self._kept: OrderedDict[int, av.VideoFrame] = OrderedDict()
        self._movie = open_movie(path, place)
        self._stream: Iterator[tuple[int, av.VideoFrame]] = self._from()
        self._next = 0
        self._from_start = True
        self._trouble: str | None = None

    def close(self) -> None:
        """Close the movie."""
        self._kept.clear()
        self._movie.close()

    def picture(self, place: int) -> av.VideoFrame:
        """The picture at a place, from 0.

        Raises:
            UndecodableError: it is damaged, or not there.
        """
        kept = self._kept.get(place)
        if kept is not None:
            return kept
        if not self._next <= place <= self._next + _NEAR and not self._is_on_the_way(place):
            self._go_to(place)
        frame = self._run_to(place)
        if frame is None and not self._from_start:
            # Where a file's own list of key pictures is wrong, or a seek led behind the place, the start never lies.
            self._rewind()
            frame = self._run_to(place)
        if frame is None:
            raise UndecodableError(self._trouble or "")
        self._kept[place] = frame
        while len(self._kept) > self._remember:
            self._kept.popitem(last=False)
        return frame

    def _is_on_the_way(self, place: int) -> bool:
        """Whether there is no key picture between here and there."""
        if place < self._next:
            return False
        return not self._index.timed or self._index.key_before(place) <= self._index.key_before(self._next)

    def _go_to(self, place: int) -> None:
        """Start at the key picture before a place, at an earlier one where that leads too far, else at the start."""
        at, back = self._index.key_before(place) if self._index.timed else 0, 1
        while at > 0:
            try:
                self._trouble = None
                self._stream = self._from(at - 1)
                first = next(self._stream, None)
            except DAMAGE:
                break
            if first is not None and first[0] <= place:
                self._stream, self._next = chain((first,), self._stream), first[0]
                self._from_start = False
                return
            at, back = at - back, 2 * back
        self._rewind()

    def _rewind(self) -> None:
        self._movie.close()
        self._movie = open_movie(self._path, self._place)
        self._trouble = None
        self._stream, self._next, self._from_start = self._from(), 0, True

    def _run_to(self, place: int) -> av.VideoFrame | None:
        for number, frame in self._stream:
            self._next = number + 1
            if number == place:
                return None if self._trouble is not None or frame.is_corrupt else frame
            if number > place:
                self._stream = chain(((number, frame),), self._stream)
                self._next = number
                return None
            if self._remember > 1 and number >= place - self._remember:
                self._kept[number] = frame
        return None

    def _from(self, key: int | None = None) -> Iterator[tuple[int, av.VideoFrame]]:
        """Pictures with their places; one that the index does not have is no picture of the movie."""
        movie, counted = self._movie, 0
        for packet in chain(self._until_broken(self._index.packets(movie, key)), (None,)):
            try:
                frames = movie.decode(packet)
            except DAMAGE as error:
                # What refers to the lost picture is no better than it, up to the next key picture.
                self._trouble = cause_of(error)
                if not self._index.timed:
                    counted += packet is not None and not packet.is_discard
                continue
            for frame in frames:
                if frame.key_frame:
                    self._trouble = None
                if self._index.timed:
                    number = None if frame.pts is None else self._index.place(frame.pts)
                else:
                    number, counted = counted, counted + 1
                if number is not None:
                    yield number, frame

    def _until_broken(self, packets: Iterator[VideoPacket]) -> Iterator[VideoPacket]:
        try:
            yield from packets
        except DAMAGE as error:
            self._trouble = cause_of(error)
