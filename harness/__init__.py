"""The instrument: paired designs, runs, effects, verdicts. It knows nothing of any claim."""

__version__ = "0.1.0"
