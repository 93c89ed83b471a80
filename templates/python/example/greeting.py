"""What is said. Knows nothing of components."""


def greeting(name: str) -> str:
    """A greeting for somebody."""
    return f"Hello, {name}!"
