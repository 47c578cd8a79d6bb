"""The claims of the documents, and the studies there are."""
