"""How near results are to the truth: one shot with its reference, or every renderer on a whole set of clips.

``comparing`` takes two shots. For a set, ``contenders`` says who takes part, ``perturbing`` spoils the disparity,
``jobs`` renders and scores one course of focus, with the networks of ``judges``, ``running`` does them all and goes on
where it stopped, ``tables``, ``curves`` and ``report`` say what was found. ``paper`` quotes the paper.
"""

from training.evaluation.comparing import Evaluation, evaluate, sequence_in
from training.evaluation.contenders import ContenderSpec, parse_contenders
from training.evaluation.judges import JudgeFiles, parse_judges
from training.evaluation.perturbing import Perturbation, parse_perturbations
from training.evaluation.report import write_report
from training.evaluation.running import Failure, SetEvaluation, SetOptions, evaluate_set
from training.evaluation.scoring import FrameScore

__all__ = [
    "ContenderSpec",
    "Evaluation",
    "Failure",
    "FrameScore",
    "JudgeFiles",
    "Perturbation",
    "SetEvaluation",
    "SetOptions",
    "evaluate",
    "evaluate_set",
    "parse_contenders",
    "parse_judges",
    "parse_perturbations",
    "sequence_in",
    "write_report",
]
