"""Text of others, made harmless for screens, logs and reports."""


def one_line(text: str) -> str:
    """Text without line breaks and control characters, which would move a cursor; not cut."""
    return "".join(c if c.isprintable() else " " for c in text)
