"""A stage that kills itself: ``python -m tests.training.stages.killed SET RUN STAGE STEP``, right after that step."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from tests.training.stages.toys import tiny_run
from training.data.clips import ClipSet
from training.stages.events import Event, Stepped
from training.stages.running import train


def main() -> None:
    place, folder, stage, step = sys.argv[1:]

    def die(event: Event) -> None:
        if isinstance(event, Stepped) and (event.stage, event.step) == (int(stage), int(step)):
            os.kill(os.getpid(), signal.SIGKILL)

    train(tiny_run(ClipSet(place)), folder, (int(stage),), resume=Path(folder).is_dir(), report=die)


if __name__ == "__main__":
    main()
