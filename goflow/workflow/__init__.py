"""What a workflow is: its model, the files that describe it, and what can be wrong with them."""
