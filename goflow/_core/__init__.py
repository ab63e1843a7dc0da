"""The compiled core: it decides, and never awaits, does I/O or imports a sibling package."""
