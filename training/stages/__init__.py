"""Training of the any-to-bokeh networks, stage by stage. The settings need no Torch; all else does."""

from training.stages.configuration import StageSettings, Start, TrainingRun, load_run, run_schema

__all__ = ["StageSettings", "Start", "TrainingRun", "load_run", "run_schema"]
