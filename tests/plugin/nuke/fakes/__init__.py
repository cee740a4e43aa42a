"""A Nuke that is small but does its sums: curves, expressions, node trees, files; and that minds its threads."""

from tests.plugin.nuke.fakes.curves import AnimationCurve, AnimationKey
from tests.plugin.nuke.fakes.host import FakeNuke

__all__ = ["AnimationCurve", "AnimationKey", "FakeNuke"]
