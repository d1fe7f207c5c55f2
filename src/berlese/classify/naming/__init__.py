"""From probabilities to names: how sure one is, and at which rank."""
