"""Which silent mistakes in a training loop do what the documents say, and can they be recognised?

One training loop and one evaluation loop, correct as written; each bug is a switch that changes one
thing. Every module of this folder asks one question.
"""

COST = "quick 1-2 min, standard 11-18 min on 2 cores"
