"""What does mixed precision cost, and what does it give?

The same networks are trained in float32 and with autocast to bfloat16 and float16, each with and
without gradient scaling. Every module of this folder asks one question. Those whose names end in
``_large`` take a GPU, as document C's passages do, and decide its claims on speed and memory; their
small forms run on any device and stand beside them. ``precision``, ``models``, ``workloads`` and
``marks`` hold what the experiments share.
"""

COST = "quick 25-45 s, standard 3-5 min on 2 cores"
