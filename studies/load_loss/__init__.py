"""Why is the loss higher after loading a model, and what does eval() have to do with it?

Networks are trained, saved and loaded in every usual way, and their losses compared with those from
before. Beside the mode stand the faults that look the same from outside: weights that were not
loaded, inputs prepared otherwise. Every module of this folder asks one question.
"""

COST = "quick 30-40 s, standard 4-8 min on 2 cores"
