"""Do optimisers, rates, schedules and batch sizes do what the simulator and the arena promise?

Document C trains a small network on a spiral in the browser, says what its readers will see, and
sends them into an arena to beat a baseline. Small networks on the same kind of data are trained
here on many seeds, each setting with its partners on the same weights and batches. What is chosen
(rates, configurations) is chosen on other seeds than it is judged on, and what was not reached is a
bound and is said to be one.
"""

COST = "quick 15-30 s, standard 2-4 min on 2 cores"
