"""Tables of published figures, each row with its source."""
