"""Questions that a seed turns into cases, their keys computed by the operators."""

from cnn_lab.teaching.questions import (
    channels,
    convolution,
    costs,
    gradients,
    maps,
    network,
    pooling,
    sizes,
    training,
)
from cnn_lab.teaching.questions.case import Case, Question, Verdict

_TOPICS = (sizes, convolution, pooling, costs, gradients, network, channels, training, maps)
QUESTIONS: dict[str, Question] = {
    question.name: question for topic in _TOPICS for question in topic.QUESTIONS
}

__all__ = ["QUESTIONS", "Case", "Question", "Verdict"]
