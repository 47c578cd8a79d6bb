"""What does a DataLoader promise, and what do workers, storage and batch size cost?

First the contract, which needs no clock: what a data set must have, what the defaults are, what a
batch is and in which order things happen. Then the costs: loading from memory, from many small or
few large images and from storage that makes one wait, with and without worker processes. Every
module of this folder that has an EXPERIMENT asks one question; the others are what they share.
"""

COST = "quick 40-60 s, standard 8-11 min on 2 cores"
