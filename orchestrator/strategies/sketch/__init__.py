"""`sketch`: a chat model sketches, Lean corrects, the other strategies fill the gaps."""
