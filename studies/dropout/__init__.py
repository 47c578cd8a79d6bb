"""Does dropout do what it is said to: its masks, its scaling, its places and its sub-networks?

What a layer does to numbers is counted; sub-networks of small networks are enumerated; what
training makes of it is measured on many seeds with partners that start from the same weights and
see the same batches; and workers are real processes. Every module of this folder asks one question.
"""

COST = "quick 20-35 s, standard 8-12 min on 2 cores"
