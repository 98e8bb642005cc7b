"""`explore`: what the latents of the models of a run know."""
