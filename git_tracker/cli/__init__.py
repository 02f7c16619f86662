"""The command line `tracker`: parse, call the store once, print. `main` is the way in and imports nothing it need not."""
