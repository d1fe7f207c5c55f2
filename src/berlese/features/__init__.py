"""Turn crops into feature vectors, once each."""
