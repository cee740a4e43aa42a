"""Make a set of clips: in parallel, and from where it was left off."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numba
import OpenImageIO as oiio  # noqa: N813  its own documentation's name

from engine.errors import DataSetError, require
from engine.files import discard
from training.data.clip_making import clip_name, make_clip
from training.data.clips import CLIP, MANIFEST, Clip, ClipSet, Manifest
from training.data.recipe import DataRecipe
from training.data.writing import UNFINISHED, program, write_manifest
from training.processes import in_processes

__all__ = ["Made", "Say", "make_set"]


class Made(NamedTuple):
    """A clip is whole.

    Attributes:
        name: of the clip; empty at the very start.
        done, total: clips that are whole now, and that there shall be.
        made: of them, those of this run.
        seconds: since the run began.
    """

    name: str
    done: int
    total: int
    made: int
    seconds: float

    @property
    def per_minute(self) -> float:
        """Clips a minute, of this run."""
        return 60.0 * self.made / self.seconds if self.seconds > 0 else 0.0


Say = Callable[[Made], None]


def _silent(_made: Made) -> None:
    """Tell nobody."""


def make_set(recipe: DataRecipe, out: str | Path, *, workers: int = 1, say: Say = _silent) -> ClipSet:
    """Make a set, or what is missing of it.

    The same recipe gives the same bytes, whatever the number of workers and however often it was stopped. Clips are
    whole or not there; a set that was made with fewer clips grows.

    Args:
        recipe: of the set.
        out: its folder; made if need be.
        workers: processes, each with one thread; 1 makes all in this process.
        say: told after every clip, and once before the first.

    Raises:
        DataSetError: the folder holds something else, or a set of another recipe; or assets cannot be used.
        OutputWriteError: full disk, read-only folder.
        MemoryShortError: a process was ended by the system.
    """
    folder = Path(out)
    manifest = _begun(recipe, folder)
    write_manifest(manifest, folder)
    begin = time.monotonic()
    total = len(manifest.clips)
    missing = [number for number in range(1, total + 1) if not (folder / clip_name(number) / CLIP).is_file()]
    done = total - len(missing)
    say(Made("", done, total, 0, 0.0))
    try:
        with closing(_made_clips(recipe, missing, folder, workers)) as made:
            for count, clip in enumerate(made, start=1):
                say(Made(clip.name, done + count, total, count, time.monotonic() - begin))
    finally:
        for left in folder.glob(f".*{UNFINISHED}"):
            discard(left)
    finished = ClipSet(folder)
    assets = {asset.model_dump_json(): asset for clip in finished for asset in clip.clip.assets}
    write_manifest(manifest.model_copy(update={"assets": tuple(assets[key] for key in sorted(assets))}), folder)
    return ClipSet(folder)


def _begun(recipe: DataRecipe, folder: Path) -> Manifest:
    """The manifest of a new set, or of the one in the folder, if it is of the same recipe."""
    settings = recipe.model_dump(mode="json", exclude={"clips"})
    names = tuple(clip_name(number) for number in range(1, recipe.clips + 1))
    wanted = Manifest(made_by=program(), seed=recipe.seed, recipe=settings, clips=names)
    if not (folder / MANIFEST).is_file():
        held = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
        require(
            not held,
            DataSetError,
            f"{folder} is not empty and holds no set of clips (there is {', '.join(held[:1])}); choose another folder",
        )
        return wanted
    there = ClipSet(folder).manifest
    differing = [
        field for field in DataRecipe.model_fields if field != "clips" and there.recipe.get(field) != settings[field]
    ]
    require(
        not differing,
        DataSetError,
        f"{folder} holds a set of another recipe, which differs in {', '.join(differing)}; give the same recipe to go "
        "on with it, or choose another folder",
    )
    require(
        len(there.clips) <= recipe.clips,
        DataSetError,
        f"{folder} is a set of {len(there.clips)} clips, and {recipe.clips} are asked for; ask for as many or more, or "
        "choose another folder",
    )
    return wanted.model_copy(update={"assets": there.assets})


def _made_clips(recipe: DataRecipe, numbers: list[int], folder: Path, workers: int) -> Generator[Clip, None, None]:
    """Clips as they get whole."""
    if workers <= 1 or len(numbers) <= 1:
        threads = numba.get_num_threads()
        numba.set_num_threads(1)
        try:
            for number in numbers:
                yield make_clip(recipe, number, folder)
        finally:
            numba.set_num_threads(threads)
        return
    calls = [(recipe, number, folder) for number in numbers]
    with closing(in_processes(make_clip, calls, workers, ready=_one_thread)) as results:
        for _, clip in results:
            yield clip


def _one_thread() -> None:
    numba.set_num_threads(1)
    oiio.attribute("threads", 1)
