"""Do DropConnect, stochastic depth, label smoothing, cutout and mixup do what is said of them?

Document D's last chapter goes beyond dropout and weight decay, prints three classes for it, and
compares them in a table. The classes, written anew, are held to their own words; small networks on
real and drawn rows are trained on many seeds, each technique against its natural alternative, on
equal weights and batches. Strengths are chosen on validation rows, and judged is what the test rows
say, which no choice has seen.
"""

COST = "quick 25-45 s, standard 8-12 min on 2 cores"
