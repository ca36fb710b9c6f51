"""B22: every question over a thousand seeds: its key, its wrong answers and its text.

Keys are compared with the independent computations of `tests/unit/teaching/independent.py`: Keras,
TensorFlow, SciPy and plain loops.
"""

import time
from collections.abc import Sequence

from benchmarks.report import Row, report
from cnn_lab.teaching import QUESTIONS
from cnn_lab.teaching.questions.case import LEVELS
from tests.unit.teaching.independent import is_solvable_on_paper, key_agrees, most_products

SEEDS = 1_000
MAX_TEXT = 299  # characters
MAX_PRODUCTS = 9


def measure() -> Sequence[Row]:
    names: set[str] = set()
    differ = confused = unsolvable = with_wrong = longest = products = n_cases = 0
    started = time.perf_counter()
    for name, question in QUESTIONS.items():
        for seed in range(SEEDS):
            case = question.make(seed=seed, level=LEVELS[seed % len(LEVELS)])
            n_cases += 1
            differ += not key_agrees(case)
            confused += any(case.check(wrong).right for wrong in case.misconceptions.values())
            unsolvable += not is_solvable_on_paper(case)
            with_wrong += bool(case.misconceptions)
            longest = max(longest, len(case.ask))
            products = max(products, most_products(case))
            names |= case.misconceptions.keys()
        print(f"{name}: {time.perf_counter() - started:.0f} s", flush=True)
    return [
        Row("questions", len(QUESTIONS), "", 24, at_least=True),
        Row("misconceptions with an explanation of their own", len(names), "", 20, at_least=True),
        Row(f"cases, {SEEDS:,} seeds of each question", n_cases, ""),
        Row("keys that differ from the independent computation", differ, "", 0),
        Row("wrong answers that count as right", confused, "", 0),
        Row("cases that are not solvable on paper", unsolvable, "", 0),
        Row("longest question", longest, "characters", MAX_TEXT),
        Row("most products in one number of an answer", products, "", MAX_PRODUCTS),
        Row("cases with a wrong answer that is known by name", 100 * with_wrong / n_cases, "%"),
    ]


if __name__ == "__main__":
    report("B22", measure)
