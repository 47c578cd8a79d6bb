"""Is document D's advice on the strength of regularisation good advice?

How strong to begin, when to double or to halve, which dropout for which width, how long to wait
before training stops, what to try first: each piece of advice is taken at its word and held against
the natural alternative, with as many trainings, on rows that neither training nor stopping nor the
choice of a strength has seen. Where the document gives a rule of thumb, the curve over the quantity
that it names is shown. Where its own numbers contradict each other, reading settles it.
"""

COST = "quick 25-45 s, standard 16-25 min on 2 cores"
