"""Training runs: specification, queue, worker, storage and comparison."""
