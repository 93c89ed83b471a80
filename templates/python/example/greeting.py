"""Makes the greeting. Does not depend on components."""


def greeting(name: str) -> str:
    """A greeting for somebody."""
    return f"Hello, {name}!"
