"""What ``${…}``, a condition and a transform mean: one small language over JSON values."""
