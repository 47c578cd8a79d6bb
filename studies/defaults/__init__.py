"""Which defaults do torch and transformers ship with, and what do models built from them do?

The documents name defaults of libraries: dropout rates of model families, an optimiser, a rate, a
place of dropout, stochastic depth. Each is read from the installed version and confirmed by what a
small model built from it does, with random weights and its dropout as the default has it. Nothing
is downloaded: where the words are about a published checkpoint, or about a library that is not
installed, that part is declared as not measurable. Every module of this folder asks one question.
"""

COST = "quick 15-30 s, standard 20-60 s on 2 cores"
