"""What is remembered: values in a process, results of nodes across runs."""
