"""Do weight penalties do what document D promises, and does AdamW mend what Adam does?

Document D explains L1 and L2 by their gradients, tries them on one small network, warns of Adam's
``weight_decay``, and prints a table of six strategies. The formulas are facts. What becomes of
weights and of accuracy is trained anew on many seeds, real rows among them, each setting with its
partners on the same weights, rows and batches; what a network has learnt is read in eval mode on
rows that no choice has seen.
"""

COST = "quick 25-40 s, standard 8-12 min on 2 cores"
