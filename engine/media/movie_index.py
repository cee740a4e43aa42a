"""Which pictures a movie has, and when each is shown.

The pictures are those that decoding gives. They are known without decoding from the packets, which are read once: those
that an edit list hides are flagged. QuickTime files of codecs without references, and MXF files of them, say the same
in their own index, which saves reading a terabyte of ProRes. What was found so is held against the first pictures as
decoded (and the last ones, where a file may just stop); where they disagree (two fields in two packets, time stamps
that are missing, repeated or run backwards) the whole movie is decoded once and counted.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, dropwhile, takewhile
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.media.movie_containers import has_fragments, is_cut
from engine.media.movie_streams import DAMAGE, OpenMovie, VideoPacket, open_movie

__all__ = ["MovieIndex", "index_of"]

_KEPT: Final = 32
_LOOKED_AT: Final = 8
"""Pictures at the start that are decoded to see whether the packets told the truth."""

_TRIES: Final = 3
"""Key pictures from the end that are tried, to see which is the last whole picture."""

_MOST: Final = 50_000_000
"""Pictures of a movie at most: 230 hours at 60 a second."""

_JUST_END: Final = frozenset({"mpegts", "mpeg", "flv", "asf", "live_flv"})
"""Containers that may stop in the middle of a picture, and say nowhere how long they are."""

Moments = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class MovieIndex:
    """The pictures of a movie.

    Attributes:
        moments: of each picture in ticks of the stream, in the order shown.
        keys: moments of pictures from which decoding can start, increasing.
        sizes: of the packets of those, in bytes; -1 where it is not known.
        lead: whether packets lie before the first key picture, which nothing can be made of.
        timed: whether a picture can be told by its moment; otherwise only by counting from the start.
        missing: pictures that the container promises behind those, and that are cut off.
        left_out: incomplete pictures at the very end, which are not counted.
        is_cut: whether the file ends before its container does.
    """

    moments: Moments
    keys: Moments
    sizes: Moments
    lead: bool = False
    timed: bool = True
    missing: int = 0
    left_out: int = 0
    is_cut: bool = False

    def __len__(self) -> int:
        return len(self.moments) + self.missing

    def place(self, moment: int) -> int | None:
        """Which picture is shown at a moment, from 0; None where none begins there."""
        place = int(np.searchsorted(self.moments, moment))
        return place if place < len(self.moments) and self.moments[place] == moment else None

    def packets(self, movie: OpenMovie, key: int | None = None) -> Iterator[VideoPacket]:
        """The packets of an open movie from its start, or from a key picture; none where the way does not lead there.

        After a jump in an MPEG program stream the time stamps may be those of the pictures before (FFmpeg 8.1), so that
        a key picture must be known by its size too.
        """
        if key is None:
            packets = movie.packets()
            return dropwhile(lambda packet: not packet.is_keyframe, packets) if self.lead else packets
        movie.seek(int(self.keys[key]))
        packets = dropwhile(lambda packet: not packet.is_keyframe, movie.packets())
        first = next(packets, None)
        if first is None or first.pts is None:
            return iter(())
        at = int(np.searchsorted(self.keys, first.pts))
        known = at < len(self.keys) and self.keys[at] == first.pts and self.sizes[at] in (first.size, -1)
        return chain((first,), packets) if known else iter(())

    def key_before(self, picture: int) -> int:
        """How many keys lie at or before a picture."""
        return int(np.searchsorted(self.keys, self.moments[picture], side="right"))


@dataclass
class _Packets:
    """What the packets say, in the file's order; hidden ones are left out."""

    moments: list[int | None]
    keys: list[bool]
    sizes: list[int]
    in_order: bool = True
    lead: int = 0

    def index(self) -> MovieIndex | None:
        """The index that they make; None where a picture cannot be told by its moment."""
        shown = self.moments[self.lead :]
        if not self.in_order or not shown or None in shown:
            return None
        moments = np.array(shown, np.int64)
        is_key = np.array(self.keys[self.lead :], bool)
        keys, sizes = moments[is_key], np.array(self.sizes[self.lead :], np.int64)[is_key]
        by_time = np.argsort(keys)
        ordered = np.sort(moments)
        if len(ordered) > 1 and bool(np.diff(ordered).min() <= 0):
            return None
        return MovieIndex(ordered, keys[by_time], sizes[by_time], lead=self.lead > 0)


_cache: OrderedDict[tuple[Any, ...], MovieIndex] = OrderedDict()
_lock = threading.Lock()


def index_of(path: Path, place: str) -> MovieIndex:
    """The pictures of a movie; kept by path, size and time of change, so that a movie is counted once.

    Args:
        path: of the movie.
        place: how errors name it.

    Raises:
        CorruptError, FormatError: it cannot be opened.
    """
    facts = path.stat()
    key = (str(path.absolute()), facts.st_size, facts.st_mtime_ns)
    with _lock:
        if key in _cache:
            _cache.move_to_end(key)
            return _cache[key]
    made = _made(path, place)
    with _lock:
        _cache[key] = made
        while len(_cache) > _KEPT:
            _cache.popitem(last=False)
    return made


def _made(path: Path, place: str) -> MovieIndex:
    with open_movie(path, place) as movie:
        cut = is_cut(path)
        promised = _promised(movie) if cut else 0
        found = None if cut else _by_container(movie)
        stops = movie.format_name in _JUST_END
    if found is None:
        with open_movie(path, place) as movie:
            packets = _packets(movie)
        found = packets.index()
        found = None if found is None else _as_decoded(path, place, found, packets)
        if found is not None and stops:
            found = _without_a_broken_end(path, place, found, packets)
    if found is None:
        found = _counted(path, place, keep_end=cut)
    missing = max(0, promised - len(found.moments))
    # A promise beyond all proportion is damage itself; that something is missing is told all the same.
    plausible = missing if missing <= 100 * (len(found.moments) + 10) else 1
    return replace(found, missing=plausible, is_cut=cut)


def _promised(movie: OpenMovie) -> int:
    """How many pictures a container says that it has; 0 where it says none."""
    stream = movie.stream
    entries = sum(1 for entry in stream.index_entries if not entry.is_discard and entry.size)
    if movie.format_name.startswith("mov"):
        return entries
    if stream.frames:
        return int(stream.frames)
    if stream.duration and movie.format_name == "mxf":
        return int(stream.duration)
    rate = stream.average_rate or stream.guessed_rate
    told = _seconds(stream.metadata.get("DURATION", "")) or (movie.container.duration or 0) / 1e6
    return round(told * float(rate)) if rate and rate < 1000 else 0


def _seconds(text: str) -> float:
    try:
        hours, minutes, seconds = text.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except ValueError:
        return 0.0


def _by_container(movie: OpenMovie) -> MovieIndex | None:
    """From the container's own index, where every picture stands for itself; None where that cannot be trusted."""
    if not movie.is_intra_only:
        return None
    if movie.format_name.startswith("mov") and not has_fragments(movie.path):
        entries = [entry for entry in movie.stream.index_entries if entry.size and not entry.is_discard]
        moments: list[int | None] = [entry.timestamp for entry in entries]
        found = _Packets(moments, [True] * len(entries), [entry.size for entry in entries]).index()
    elif movie.format_name == "mxf" and 0 < (movie.stream.duration or 0) < _MOST:
        numbers = np.arange(movie.stream.duration or 0, dtype=np.int64)
        found = MovieIndex(numbers, numbers, np.full_like(numbers, -1))
    else:
        return None
    return found if found is not None and _ends_agree(movie, found) else None


def _ends_agree(movie: OpenMovie, found: MovieIndex) -> bool:
    """Whether the first and the last picture are where the container's index has them."""
    try:
        first = next((packet.pts for packet in movie.packets() if not packet.is_discard), None)
        movie.seek(int(found.moments[-1]))
        last = [packet.pts for packet in movie.packets() if not packet.is_discard]
    except DAMAGE:
        return False
    return first == found.moments[0] and bool(last) and last[-1] == found.moments[-1]


def _packets(movie: OpenMovie) -> _Packets:
    """Read all packets, up to where the file is broken; those before the first key picture are its lead."""
    found = _Packets([], [], [])
    before: int | None = None
    lead: int | None = None
    with suppress(*DAMAGE):
        for packet in movie.packets():
            if packet.dts is not None:
                found.in_order &= before is None or packet.dts >= before
                before = packet.dts
            if packet.is_keyframe and lead is None:
                lead = len(found.moments)
            if not packet.is_discard:
                found.moments.append(packet.pts)
                found.keys.append(packet.is_keyframe)
                found.sizes.append(packet.size)
            if len(found.moments) > _MOST:
                break
    found.lead = lead or 0
    return found


def _as_decoded(path: Path, place: str, found: MovieIndex, packets: _Packets) -> MovieIndex | None:
    """The index without what decoding leaves out at the start; None where decoding says something else.

    What comes before the first key picture, in the file or on screen, refers to pictures that are not there.
    """
    shown: list[int | None] = []
    try:
        with open_movie(path, place) as movie:
            for packet in chain(found.packets(movie), (None,)):
                shown += [frame.pts for frame in movie.decode(packet)]
                if len(shown) >= _LOOKED_AT:
                    break
    except DAMAGE:
        return found  # a damaged picture: told where it is read
    if not shown or shown[0] is None:
        return None
    start = found.place(shown[0])
    first_key = next((moment for moment, key in zip(packets.moments, packets.keys, strict=True) if key), None)
    if start is None or (start and shown[0] != first_key):
        return None
    kept = replace(found, moments=found.moments[start:])
    return kept if shown[:_LOOKED_AT] == kept.moments[: min(len(shown), _LOOKED_AT)].tolist() else None


def _without_a_broken_end(path: Path, place: str, found: MovieIndex, packets: _Packets) -> MovieIndex:
    """The index without the pictures of the file's last packets where they are not whole: such files just stop."""
    # From the last key picture but one: the last one's leading pictures refer to what lies before it.
    last = len(found.keys) - 2
    tries = (_whole_from(path, place, found, key) for key in (*range(last, max(0, last - _TRIES), -1), None))
    whole = next((shown for shown in tries if shown), set())
    broken = set(takewhile(lambda moment: moment not in whole, reversed(packets.moments)))
    kept = found.moments[[moment not in broken for moment in found.moments.tolist()]]
    return replace(found, moments=kept, left_out=len(found.moments) - len(kept)) if len(kept) else found


def _whole_from(path: Path, place: str, found: MovieIndex, key: int | None) -> set[int | None]:
    """Moments of the pictures from a key picture to the end that can be decoded without fault."""
    whole: set[int | None] = set()
    with suppress(*DAMAGE), open_movie(path, place) as movie:
        for packet in chain(found.packets(movie, key), (None,)):
            with suppress(*DAMAGE):
                whole |= {frame.pts for frame in movie.decode(packet) if not frame.is_corrupt}
    return whole


def _counted(path: Path, place: str, keep_end: bool) -> MovieIndex:
    """Decode the whole movie and count its pictures; a packet that cannot be decoded counts as one."""
    moments: list[int | None] = []
    keys: dict[int, int] = {}
    whole = 0
    with open_movie(path, place, fast=True) as movie:
        try:
            for packet in chain(movie.packets(), (None,)):
                if packet is not None and packet.is_keyframe and packet.pts is not None:
                    keys[packet.pts] = packet.size
                try:
                    frames = movie.decode(packet)
                except DAMAGE:
                    if packet is not None and not packet.is_discard:
                        moments.append(packet.pts)
                    continue
                for frame in frames:
                    moments.append(frame.pts)
                    whole = whole if frame.is_corrupt else len(moments)
        except DAMAGE:
            pass
    kept = moments if keep_end or not whole else moments[:whole]
    left_out = len(moments) - len(kept)
    known = [moment for moment in kept if moment is not None]
    ordered = np.array(known, np.int64)
    if len(known) == len(kept) and (len(kept) < 2 or bool(np.diff(ordered).min() > 0)):
        safe = np.array(sorted(set(keys) & set(known)), np.int64)
        sizes = np.array([keys[moment] for moment in safe.tolist()], np.int64)
        return MovieIndex(ordered, safe, sizes, left_out=left_out)
    counted = np.arange(len(kept), dtype=np.int64)
    return MovieIndex(counted, counted[:0], counted[:0], timed=False, left_out=left_out)
