"""How far photos are from a library, and what that means for names."""
