"""The instrument tried on known truths."""
