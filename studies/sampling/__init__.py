"""Which rows does each sampler draw, and what does their order do to training?

First the orders themselves, counted exactly where a sampler promises them and compared with the
exact chances where it draws: permutations, compositions of batches, weights, shards of several
GPUs. Then what is made of a batch: collation and masks. Then training: classes in order against
shuffled, directions of gradients, a new permutation before every batch, rare classes. Every module
of this folder that has an EXPERIMENT asks one question; the others are what they share.
"""

COST = "quick 20-40 s, standard 2-4 min on 2 cores"
