"""From stored rows to verdicts, without torch."""
