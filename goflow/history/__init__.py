"""What is remembered of runs: a journal that resuming reads, a history that people read."""
