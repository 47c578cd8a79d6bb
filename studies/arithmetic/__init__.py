"""Do the numbers that a training is planned with come out in a loop that runs?

Document C counts by formula: batches, last batches, weight updates, examples, bytes, the numbers of
one step by hand. Each formula is held against a count that knows nothing of it: a real loader, and
an optimiser that writes down what reached it. The formulas are those of
``harness.workloads.arithmetic``, which ``python -m harness arithmetic`` prints for any numbers.
"""

COST = "quick 10-20 s, standard 15-30 s on 2 cores"
