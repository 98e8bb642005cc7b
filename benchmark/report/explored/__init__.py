"""What an exploration of latents has found: its tables, its sheets and its page."""
