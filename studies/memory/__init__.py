"""Where does the memory of training and evaluation go, and what makes it smaller?

Counted are bytes of storages, which are exact and the same from run to run; where a model fits no
machine at hand, they are predicted by running its own code on fake tensors. Every module of this
folder asks one question.
"""

COST = "quick 1-2 min, standard 3-4 min on 2 cores"
