"""What readers see: the ledger, its pages, and the findings in the README."""
