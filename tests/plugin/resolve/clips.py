"""A small Resolve: a project with one clip under the playhead."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.plugin.resolve.fakes import Comp


@dataclass
class Media:
    """An item of the media pool."""

    properties: dict[str, Any]

    def GetClipProperty(self, name: str | None = None) -> Any:  # noqa: N802, ANN401
        return dict(self.properties) if name is None else self.properties.get(name, "")


@dataclass
class Folder:
    name: str
    folders: list[Folder] = field(default_factory=list)
    media: list[Media] = field(default_factory=list)

    def GetName(self) -> str:  # noqa: N802
        return self.name

    def GetSubFolderList(self) -> list[Folder]:  # noqa: N802
        return self.folders


class Pool:
    """A media pool; what is imported lands in the current bin."""

    def __init__(self) -> None:
        self.root = Folder("Master")
        self.current = self.root
        self.asked: list[Any] = []
        self.refuses = False

    def GetRootFolder(self) -> Folder:  # noqa: N802
        return self.root

    def GetCurrentFolder(self) -> Folder:  # noqa: N802
        return self.current

    def SetCurrentFolder(self, folder: Folder) -> bool:  # noqa: N802
        self.current = folder
        return True

    def AddSubFolder(self, parent: Folder, name: str) -> Folder:  # noqa: N802
        parent.folders.append(Folder(name))
        return parent.folders[-1]

    def ImportMedia(self, items: list[Any]) -> list[Media] | None:  # noqa: N802
        self.asked += items
        if self.refuses:
            return None
        self.current.media.append(Media({"File Path": str(items[0])}))
        return [self.current.media[-1]]


@dataclass
class Item:
    """A clip of the timeline: ``duration`` frames of its media, ``trimmed`` from its start."""

    media: Media | None
    comps: list[Comp]
    trimmed: int = 0
    duration: int = 24
    source: int = 23
    takes: list[Media] = field(default_factory=list)
    selected: int = 0
    makes_takes: bool = True

    def GetName(self) -> str:  # noqa: N802
        return "sh010"

    def GetMediaPoolItem(self) -> Media | None:  # noqa: N802
        return self.media

    def GetFusionCompCount(self) -> int:  # noqa: N802
        return len(self.comps)

    def GetFusionCompByIndex(self, at: int) -> Comp:  # noqa: N802
        return self.comps[at - 1]

    def GetLeftOffset(self) -> float:  # noqa: N802
        return float(self.trimmed)

    def GetDuration(self) -> float:  # noqa: N802
        return float(self.duration)

    def GetSourceStartFrame(self) -> int:  # noqa: N802
        return self.trimmed

    def GetSourceEndFrame(self) -> int:  # noqa: N802
        return self.trimmed + self.source

    def AddTake(self, media: Media) -> bool:  # noqa: N802
        self.takes.append(media)
        return self.makes_takes

    def GetTakesCount(self) -> int:  # noqa: N802
        return len(self.takes) + 1

    def SelectTakeByIndex(self, at: int) -> bool:  # noqa: N802
        self.selected = at
        return True


class Resolve:
    """The application, its project and its timeline at once; any of them may be missing."""

    def __init__(self, item: Item, missing: str = "") -> None:
        self.item = item
        self.pool = Pool()
        self.missing = missing

    def _or_nothing(self, name: str, value: Any) -> Any:  # noqa: ANN401
        return None if self.missing == name else value

    def GetProjectManager(self) -> Any:  # noqa: N802, ANN401
        return self._or_nothing("GetProjectManager", self)

    def GetCurrentProject(self) -> Any:  # noqa: N802, ANN401
        return self._or_nothing("GetCurrentProject", self)

    def GetCurrentTimeline(self) -> Any:  # noqa: N802, ANN401
        return self._or_nothing("GetCurrentTimeline", self)

    def GetCurrentVideoItem(self) -> Any:  # noqa: N802, ANN401
        return self._or_nothing("GetCurrentVideoItem", self.item)

    def GetMediaPool(self) -> Any:  # noqa: N802, ANN401
        return self._or_nothing("GetMediaPool", self.pool)
