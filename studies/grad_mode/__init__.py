"""What do no_grad and inference_mode really change: outputs, memory, speed, and what is allowed?

Networks are passed forward with gradients enabled, under ``torch.no_grad()`` and under
``torch.inference_mode()``, in eval mode and in train mode. Every module of this folder asks one
question.
"""

COST = "quick 30-45 s, standard 5-9 min on 2 cores"
