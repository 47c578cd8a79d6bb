"""What do the components of a production loop do, and what do they cost?

Document C builds a training script up from a minimal loop: checkpoints, early stopping, gradient
accumulation, clipping, seeds, logs. Here is one loop with these as switches (``loop``), each shown
to change nothing while it is off (``components``), and checkpoints in real files that processes
killed by the system are resumed from (``resumed``). The document's script is that loop with all
switches on, as it has them; its faults are found by running it.
"""

COST = "quick 30-60 s, standard 7-11 min on 2 cores"
