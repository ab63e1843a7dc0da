"""``goflow-bench``: run the benchmarks of a checkout, compare and export what they found."""
