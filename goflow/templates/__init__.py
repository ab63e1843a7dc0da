"""What ``goflow init`` begins a workflow from: templates in ``files``, samples in ``data``."""
