"""Scenes with a known answer: planes with textures and mattes made by code, and their depth of field ray-traced."""

from __future__ import annotations

from training.scenes.motion import Motion
from training.scenes.scene import Element, Scene, SceneView
from training.scenes.shots import SceneShot, benchmark_shots, demo_shot

__all__ = ["Element", "Motion", "Scene", "SceneShot", "SceneView", "benchmark_shots", "demo_shot"]
