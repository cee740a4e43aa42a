"""Shots on a render farm: job bundles in Open Job Description, and what their tasks run."""

from __future__ import annotations

from plugin.farm.assembling import assemble
from plugin.farm.bundle import Bundle, write_bundle
from plugin.farm.paths import FOLDERS
from plugin.farm.plan import CHUNK, FarmPlan, Needs, plan_job
from plugin.farm.tasks import TaskLog, check_task, load_here, render_task, telling_failures

__all__ = [
    "CHUNK",
    "FOLDERS",
    "Bundle",
    "FarmPlan",
    "Needs",
    "TaskLog",
    "assemble",
    "check_task",
    "load_here",
    "plan_job",
    "render_task",
    "telling_failures",
    "write_bundle",
]
