"""Rackfocus beside other programs: how near to the truth, how fast, how much memory."""

from training.benchmark.depth import DepthOptions, run_depth
from training.benchmark.depth_report import DepthReport, DepthScore
from training.benchmark.optical import OpticalOptions, OpticalReport, ShotScore, run_optical
from training.benchmark.speed import SpeedOptions, SpeedPoint, SpeedReport, run_speed
from training.benchmark.table import Report, aligned
from training.benchmark.worker import WorkerOptions, WorkerReport, run_worker

__all__ = [
    "DepthOptions",
    "DepthReport",
    "DepthScore",
    "OpticalOptions",
    "OpticalReport",
    "Report",
    "ShotScore",
    "SpeedOptions",
    "SpeedPoint",
    "SpeedReport",
    "WorkerOptions",
    "WorkerReport",
    "aligned",
    "run_depth",
    "run_optical",
    "run_speed",
    "run_worker",
]
