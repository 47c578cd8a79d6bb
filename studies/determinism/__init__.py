"""What makes two training runs equal to the last bit, and what does it cost?

The same small trainings run in processes of their own, and the weights they end with are compared
bit by bit: with and without seeds, with each setting for determinism, with other numbers of threads
and of data workers. Every module of this folder asks one question; ``process`` starts the others'
trainings, and ``settings``, ``workloads`` and ``costs`` hold what they share.
"""

COST = "quick 15-30 s, standard 2-4 min on 2 cores"
