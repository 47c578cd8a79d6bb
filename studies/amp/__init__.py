"""What does mixed precision cost, and what does it give?

The same networks are trained in float32, with TF32, and with autocast to bfloat16 and float16, each
with and without gradient scaling. Every module of this folder asks one question; ``precision`` and
``models`` hold what they share. A CPU knows no TF32: there that level is float32 under another name
and shows how far two equal arms can differ.
"""

COST = "quick 25-45 s, standard 4-5 min on 2 cores"
