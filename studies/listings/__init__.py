"""Do the documents' listings run, and do they print what stands printed below them?

Every listing of documents B and D is written anew from its shapes, settings and order of random
draws, so that the document's seed means the document's stream. Whether a printed number is what
that seed gives, whether any other seed would give it, and whether arithmetic allows it at all are
three questions, and are kept apart. Every module of this folder that is an experiment asks one.
"""

COST = "quick 20-30 s, standard 1-2 min on 2 cores"
