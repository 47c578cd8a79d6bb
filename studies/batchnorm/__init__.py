"""Do dropout and batch norm clash, and what goes well with batch norm?

Layers first: what batch norm keeps of its batches, and what it makes of that in eval mode. Then
networks trained with batch norm and what is said to clash with it or not: the variance that dropout
before a batch norm, DropConnect or stochastic depth leaves in its running statistics is compared
with the variance that meets it in eval mode, layer by layer; and accuracies, on rows that no choice
has seen, are compared with those of batch norm alone and of dropout alone. Arms of a seed share
rows, weights and batches.
"""

COST = "quick 20-35 s, standard 6-10 min on 2 cores"
