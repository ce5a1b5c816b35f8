"""llf-kit: from a laboratory's raw questions and answers to a fine-tuned domain expert, with LLaMA-Factory."""

__version__ = "0.1.0"
