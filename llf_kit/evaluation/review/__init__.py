"""People as judges: answers of several models without their names on a sheet a rater, and what comes back of them."""
