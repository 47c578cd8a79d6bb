"""What is decided before the first row: rules, plan, seeds and their checksums."""
