"""Animals that the library does not know: by likeness, by contrast and by reviewed ones."""
