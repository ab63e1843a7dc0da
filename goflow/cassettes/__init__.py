"""A run's server traffic in a file: recorded once, played back without servers."""
