"""Training: one loop, two engines, optimizers, schedules, evaluation and the model card."""
