"""Conditioned depth over time: each frame of a stream hears its neighbours, so that still edges stay still."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

from engine.depth.conditioning.frame import REACH, Evidence, OpenEdges, open_edges
from engine.depth.conditioning.plan import EdgePlan
from engine.frames import FrameRange, PlateFrame, count_colours

__all__ = ["conditioned", "reach_of"]


def reach_of(frames: FrameRange, within: FrameRange, plan: EdgePlan | None) -> FrameRange:
    """The frames that must be read so that ``frames`` can be conditioned: neighbours in the shot, never outside it."""
    if plan is None:
        return frames
    order = list(within)
    place = {frame: index for index, frame in enumerate(order)}
    wanted: set[int] = set()
    for frame in frames:
        wanted.update(order[max(place[frame] - REACH, 0) : place[frame] + REACH + 1])
    return FrameRange.of(sorted(wanted))


def conditioned(
    plates: Iterable[PlateFrame], wanted: FrameRange, within: FrameRange, plan: EdgePlan | None
) -> Iterator[PlateFrame]:
    """The wanted frames, in order, with conditioned disparity; holds a few frames back, never the whole shot.

    A frame comes out the same whichever others are wanted: it hears the frames that lie at most REACH away in the
    shot, and no others.

    Args:
        plates: frames with the disparity of their files, those that ``reach_of`` names, in order.
        wanted: the frames to give.
        within: the shot's frames.
        plan: of the shot; None gives the frames as they are.
    """
    if plan is None:
        yield from (plate for plate in plates if plate.frame in wanted)
        return
    place = {frame: index for index, frame in enumerate(within)}
    waiting: deque[tuple[PlateFrame, OpenEdges]] = deque()
    heard: deque[tuple[int, Evidence]] = deque()
    for plate in plates:
        edges = open_edges(plate.image, count_colours(plate.channels), plate.disparity, plan)
        heard.append((place[plate.frame], edges.evidence))
        if plate.frame in wanted:
            waiting.append((plate, edges))
        while waiting and place[waiting[0][0].frame] + REACH <= place[plate.frame]:
            yield _decided(*waiting.popleft(), place, heard)
        first = place[waiting[0][0].frame] if waiting else place[plate.frame] + 1
        while heard and heard[0][0] < first - REACH:
            heard.popleft()
    while waiting:
        yield _decided(*waiting.popleft(), place, heard)


def _decided(
    plate: PlateFrame, edges: OpenEdges, place: dict[int, int], heard: Iterable[tuple[int, Evidence]]
) -> PlateFrame:
    own = place[plate.frame]
    said = {index - own: evidence for index, evidence in heard if index != own}
    before = [said[-distance] for distance in range(1, REACH + 1) if -distance in said]
    after = [said[distance] for distance in range(1, REACH + 1) if distance in said]
    return replace(plate, disparity=edges.decided(before, after))
