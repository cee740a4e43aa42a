"""How near results are to the truth: one shot with its reference, or every renderer on a whole set of clips.

``comparing`` takes two shots. For a set, ``contenders`` says who takes part, ``perturbing`` spoils the disparity,
``jobs`` renders and scores one course of focus, ``running`` does them all and goes on where it stopped, ``tables`` and
``report`` say what was found.
"""

from training.evaluation.comparing import Evaluation, evaluate, sequence_in
from training.evaluation.contenders import ContenderSpec, parse_contenders
from training.evaluation.running import SetEvaluation, SetOptions, evaluate_set
from training.evaluation.scoring import FrameScore

__all__ = [
    "ContenderSpec",
    "Evaluation",
    "FrameScore",
    "SetEvaluation",
    "SetOptions",
    "evaluate",
    "evaluate_set",
    "parse_contenders",
    "sequence_in",
]
