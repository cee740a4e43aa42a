"""Running windows over a stream and blending what they give, with no more than a window of items held."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, Self, TypeVar

from engine.wois.windows import WindowGrid

__all__ = ["Blendable", "blend_windows"]


class Blendable(Protocol):
    """An array of NumPy, a tensor of Torch, or anything else that can be weighted and added."""

    def __mul__(self, weight: float, /) -> Self:
        """This, weighted."""
        ...

    def __add__(self, other: Self, /) -> Self:
        """The sum of both."""
        ...


Item = TypeVar("Item")
Made = TypeVar("Made", bound=Blendable)


def blend_windows(
    items: Iterable[tuple[int, Item]],
    grid: WindowGrid,
    wanted: Iterable[int],
    infer: Callable[[Sequence[Item]], Sequence[Made]],
) -> Iterator[tuple[int, Item, Made]]:
    """Run the windows that ``wanted`` frames need, and blend them.

    A frame is made of the same windows, blended in the same order, whichever other frames are asked for.

    Args:
        items: index and item of at least the frames ``grid.reach(wanted)``, in rising order; others are passed over.
        grid: where the windows lie.
        wanted: indices of the frames to make.
        infer: turns the ``grid.size`` items of a window into as many results.

    Yields:
        index, item and blended result of each wanted frame, in order, as soon as it is complete.

    Raises:
        LookupError: the stream ends before a frame that is needed.
    """
    asked = sorted(set(wanted))
    windows = list(grid.windows_of(asked))
    needed = set(grid.reach(asked))
    held: dict[int, Item] = {}
    parts: dict[int, list[Made]] = {}
    for index, item in items:
        if index not in needed:
            continue
        held[index] = item
        while windows and grid.frames(windows[0])[-1] <= index:
            window = windows.pop(0)
            _run(window, grid, held, asked, parts, infer)
            while asked and _is_complete(asked[0], grid, parts):
                frame = asked.pop(0)
                yield frame, held[frame], _blend(frame, grid, parts.pop(frame))
            first_needed = min([*(grid.start(windows[0]) for _ in windows[:1]), *asked[:1]], default=index + 1)
            for old in [old for old in held if old < first_needed]:
                del held[old]
    if asked:
        raise LookupError(f"the stream ended before frame {asked[0]} of {grid.length} could be made")


def _run(
    window: int,
    grid: WindowGrid,
    held: dict[int, Item],
    asked: Sequence[int],
    parts: dict[int, list[Made]],
    infer: Callable[[Sequence[Item]], Sequence[Made]],
) -> None:
    frames = grid.frames(window)
    results = infer([held[frame] for frame in frames])
    for frame, result in dict(zip(reversed(frames), reversed(list(results)), strict=True)).items():
        if frame in asked and window in dict(grid.weights(frame)):
            parts.setdefault(frame, []).append(result)


def _is_complete(frame: int, grid: WindowGrid, parts: dict[int, list[Made]]) -> bool:
    return len(parts.get(frame, ())) == len(grid.weights(frame))


def _blend(frame: int, grid: WindowGrid, parts: Sequence[Made]) -> Made:
    weights = [weight for _, weight in grid.weights(frame)]
    if len(parts) == 1:
        return parts[0]
    older, newer = parts
    blended: Made = older * weights[0] + newer * weights[1]
    return blended
