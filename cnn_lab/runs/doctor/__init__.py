"""The training doctor: what the numbers of a run show is going wrong, why, and what to change."""
