"""The folder of a run.

    RUN/run.json                what the run was begun with: program, settings, and the sets by their digests
    RUN/checkpoints/            where the stage that is under way stands; the newest few
    RUN/stage-1/                weights at the end of a stage
    RUN/weights/                those of the last stage that ended: for render, export, or another run
    RUN/samples/                pictures of each validation: input, result, truth
    RUN/log/                    for TensorBoard

No Torch here.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from engine.errors import OutputExistsError, OutputWriteError, TrainingError, require
from engine.files import whole_folder, write_whole
from engine.shot.part import DocumentPart
from training.data.clips import CLIP, MANIFEST, ClipSet
from training.stages.configuration import TrainingRun

__all__ = ["RunFolder", "RunRecord", "set_digest"]

RECORD: Final = "run.json"


class RunRecord(DocumentPart):
    """What a run was begun with.

    Attributes:
        made_by: program and version.
        run: all settings.
        sets: digest of each set, in order.
    """

    made_by: str
    run: TrainingRun
    sets: tuple[str, ...]


@dataclass(frozen=True)
class RunFolder:
    """Names in the folder of a run, and what is done with them."""

    place: Path

    @property
    def checkpoints(self) -> Path:
        """Of the stages under way."""
        return self.place / "checkpoints"

    @property
    def samples(self) -> Path:
        """Pictures."""
        return self.place / "samples"

    @property
    def log(self) -> Path:
        """For TensorBoard."""
        return self.place / "log"

    @property
    def weights(self) -> Path:
        """Of the last stage that ended."""
        return self.place / "weights"

    def stage(self, number: int) -> Path:
        """Weights at the end of a stage; there is none before."""
        return self.place / f"stage-{number}"

    def before(self, number: int) -> str:
        """Name of the folder that a stage goes on from: that of the last stage before it that ended; "" for none."""
        ended = [earlier for earlier in range(number) if self.stage(earlier).is_dir()]
        return self.stage(ended[-1]).name if ended else ""

    def begin(self, record: RunRecord) -> None:
        """Make the folder, with its record.

        Raises:
            OutputExistsError: it holds something.
            OutputWriteError: it cannot be written.
        """
        try:
            self.place.mkdir(parents=True, exist_ok=True)
            held = next(self.place.iterdir(), None)
            require(
                held is None,
                OutputExistsError,
                f"{self.place} holds a run already; add --resume to go on with it, or choose another folder"
                if (self.place / RECORD).is_file()
                else f"{self.place} is not empty; choose another folder",
            )
            write_whole(self.place / RECORD, record.model_dump_json(indent=2) + "\n")
        except OSError as error:
            raise OutputWriteError(
                f"{self.place} cannot be written ({error.strerror}); choose another folder"
            ) from error

    def record(self) -> RunRecord:
        """What the run was begun with.

        Raises:
            TrainingError: there is no run in the folder, or its record is damaged.
        """
        path = self.place / RECORD
        require(path.is_file(), TrainingError, f"{self.place} holds no run to resume; begin one without --resume")
        try:
            return RunRecord.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error.strerror
            raise TrainingError(f"{path} cannot be used ({reason}); begin another run") from error

    def require_same(self, run: TrainingRun, sets: tuple[str, ...]) -> None:
        """Make sure that a run goes on as it began; sets may lie elsewhere now.

        Raises:
            TrainingError: something differs; names it.
        """
        record = self.record()
        path = self.place / RECORD
        before, now = (dict(_leaves(each.model_dump(mode="json", exclude={"data"}))) for each in (record.run, run))
        for name in (*before, *now):
            was, wanted = before.get(name), now.get(name)
            require(
                was == wanted,
                TrainingError,
                f"{path}: the run began with {name} = {was}, and {wanted} is asked for now; resume it as it began, or "
                "begin another run",
            )
        require(
            sets == record.sets,
            TrainingError,
            f"{', '.join(run.data)}: these are not the clips that {self.place} was begun with; give the same sets, or "
            "begin another run",
        )

    def publish(self, number: int) -> None:
        """Make ``weights`` those of a stage: the same files under another name where the disk allows it.

        Raises:
            OutputWriteError: it cannot be written.
        """
        with whole_folder(self.weights) as temporary:
            shutil.copytree(self.stage(number), temporary, copy_function=_link, dirs_exist_ok=True)


def set_digest(clips: ClipSet) -> str:
    """SHA-256 over the documents of a set and of its finished clips: what the set is, but for its pixels' bytes."""
    digest = sha256((clips.folder / MANIFEST).read_bytes())
    for name in clips.finished:
        digest.update((clips.folder / name / CLIP).read_bytes())
    return digest.hexdigest()


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copy2(source, target)


def _leaves(data: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in data.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
