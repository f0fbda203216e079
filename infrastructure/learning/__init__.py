"""What trains learned scores, by the name that operators give."""

from application.tier_models.ports import Learner
from infrastructure.learning.gradient_boosting import GradientBoosting

LEARNERS: dict[str, Learner] = {GradientBoosting.name: GradientBoosting()}
