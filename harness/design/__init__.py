"""The language of a study: factors, contrasts, regions, experiments. Plain Python, no library."""
