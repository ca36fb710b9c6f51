"""Training doctor: problems that the numbers of a run show, with reasons and remedies."""
