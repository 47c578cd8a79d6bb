"""Where does the memory of training and evaluation go, and what makes it smaller?

Counted are bytes of storages, which are exact and the same from run to run; where a model fits no
machine at hand, they are predicted by running its own code on fake tensors. Every module of this
folder asks one question.
"""

COST = "quick 30-50 s, standard 2-3 min on 2 cores"
