"""Questions with tested keys, lessons made of them, worksheets and hand-ins."""

from cnn_lab.teaching.questions import QUESTIONS

__all__ = ["QUESTIONS"]
