"""Stage 10: what a model answered, and whether it is right."""
