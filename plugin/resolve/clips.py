"""The clip on the timeline of Resolve: its comp, its files, and the result as a take of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from ..errors import EngineError
from .controls import Controls, find_group, groups_of
from .kinds import Comp, told
from .shots import Job
from .sources import Source, is_movie, pattern_of, render_range

if TYPE_CHECKING:
    from fusionscript import Folder, MediaPool, MediaPoolItem, Project, Resolve, TimelineItem

__all__ = ["BIN", "Clip", "add_take", "current_clip", "files_of"]

BIN = "Rackfocus"
"""The bin of the media pool that holds the results."""

RESULT = re.compile(r"_rackfocus_v\d+\b")
"""In the path of what was rendered from a clip, see ``shots.output_of``."""


class Clip(NamedTuple):
    """A clip of the timeline with a Rackfocus group in its Fusion composition."""

    project: Project
    item: TimelineItem
    comp: Comp
    controls: Controls


def current_clip(resolve: Resolve) -> Clip:
    """The clip under the playhead.

    Raises:
        EngineError: there is none, or it has no Rackfocus group.
    """
    manager = told("Resolve.GetProjectManager", resolve.GetProjectManager())
    project = told("ProjectManager.GetCurrentProject", manager.GetCurrentProject())
    timeline = told("Project.GetCurrentTimeline", project.GetCurrentTimeline())
    item = told("Timeline.GetCurrentVideoItem", timeline.GetCurrentVideoItem())
    for at in range(1, int(item.GetFusionCompCount() or 0) + 1):
        comp = cast("Comp", told(f"TimelineItem.GetFusionCompByIndex {at}", item.GetFusionCompByIndex(at)))
        if groups_of(comp):
            return Clip(project, item, comp, find_group(comp))
    raise EngineError(
        "resolve.clip",
        f"{item.GetName()} has no Rackfocus group; open it on the Fusion page and add the group between MediaIn and "
        "MediaOut",
    )


def files_of(item: TimelineItem, comp: Comp) -> Source:
    """The files of a clip, and which of them lies on which frame of its composition.

    The first frame that the composition renders is the first that the timeline shows of the clip.

    Raises:
        EngineError: the clip has no files of its own, or plays them at another speed.
    """
    name = item.GetName()
    pool: MediaPoolItem | None = item.GetMediaPoolItem()
    if pool is None:
        raise EngineError(
            "resolve.clip", f"{name} has no files of its own; render it in place, or name its files in Plate file"
        )
    path = str(told("MediaPoolItem.GetClipProperty File Path", pool.GetClipProperty("File Path")))
    if not path:
        raise EngineError(
            "resolve.clip", f"{name} is a compound or generated clip without files; render it in place first"
        )
    if RESULT.search(path):
        raise EngineError(
            "resolve.clip", f"{name} shows a result of Rackfocus ({path}); select its first take, then render again"
        )
    trimmed, duration = _frames(item, "GetLeftOffset"), _frames(item, "GetDuration")
    used = _frames(item, "GetSourceEndFrame") - _frames(item, "GetSourceStartFrame")
    # Versions differ on whether the last source frame is counted in.
    if used not in (duration - 1, duration):
        raise EngineError(
            "resolve.clip",
            f"{name} shows {duration} frames of {used + 1} of its source: it is retimed; render it in place first",
        )
    pattern, number = pattern_of(path)
    start, end = render_range(comp)
    size = _size(str(pool.GetClipProperty("Resolution")))
    return Source(pattern, number + trimmed - start, start, end, size)


def add_take(clip: Clip, job: Job) -> None:
    """Put the result on the timeline as a take of the clip, and show it; the clip itself stays as it is.

    Raises:
        EngineError: Resolve imports no such files, or makes no take of them.
    """
    pool = told("Project.GetMediaPool", clip.project.GetMediaPool())
    before = _frames(clip.item, "GetDuration")
    count = job.frames[1] - job.frames[0] + 1
    if count != before:
        raise EngineError(
            "resolve.clip",
            f"{clip.item.GetName()} shows {before} frames, but {count} were rendered; the result is at {job.output}",
        )
    media = _imported(pool, job)
    make: Any = clip.item.AddTake  # the stubs ask for start and end, which Resolve takes from the media by itself
    if not make(media):
        raise EngineError(
            "resolve.call",
            f"TimelineItem.AddTake gave nothing; the result is in the bin {BIN}: put it on a track above by hand",
        )
    clip.item.SelectTakeByIndex(int(clip.item.GetTakesCount()))


def _imported(pool: MediaPool, job: Job) -> MediaPoolItem:
    """The result in the media pool; what lands in the current bin lands in ours."""
    root = told("MediaPool.GetRootFolder", pool.GetRootFolder())
    current: Folder | None = pool.GetCurrentFolder()
    ours = next((folder for folder in root.GetSubFolderList() or [] if folder.GetName() == BIN), None)
    if ours is None:
        ours = told("MediaPool.AddSubFolder", pool.AddSubFolder(root, BIN))
    pool.SetCurrentFolder(ours)
    try:
        made = pool.ImportMedia([job.output]) if is_movie(job.output) else pool.ImportMedia([_sequence(job)])
    finally:
        if current is not None:
            pool.SetCurrentFolder(current)
    if not made:
        raise EngineError("resolve.call", f"MediaPool.ImportMedia gave nothing; import {job.output} by hand")
    return made[0]


def _sequence(job: Job) -> Any:  # noqa: ANN401  the stubs' own ImportClipInfo
    head, _, tail = job.output.rpartition("#")
    stem = head.rstrip("#")
    return {
        "FilePath": f"{stem}%0{len(head) - len(stem) + 1}d{tail}",
        "StartIndex": job.frames[0] + job.offset,
        "EndIndex": job.frames[1] + job.offset,
    }


def _frames(item: TimelineItem, call: str) -> int:
    """A number of frames; without the argument for fractions, which came in Resolve 20 and need not be given."""
    found: float | None = getattr(item, call)()
    return round(told(f"TimelineItem.{call}", found))


def _size(text: str) -> tuple[int, int] | None:
    """``1920x1080`` as numbers."""
    width, cross, height = text.partition("x")
    return (int(width), int(height)) if cross and width.isdigit() and height.isdigit() else None
