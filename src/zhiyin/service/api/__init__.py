"""The addresses of the API: each handler parses, asks the desk once, and says what it heard."""
