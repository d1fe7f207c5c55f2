"""Name animals from their features; arrays in, arrays out."""
