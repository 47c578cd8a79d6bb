"""Does forgetting model.eval() make evaluation noisy, biased, or wrong?

Fixed weights are validated again and again with the model left in train mode, and the numbers are
compared with those of the same weights in eval mode. Every module of this folder asks one question.
"""

COST = "quick 1 min, standard 11-15 min on 2 cores"
