"""The science: one module (or package) a study, the four documents, and the catalogue of claims."""
