"""What every refusal of a question must be, whatever was typed."""


def check_refusal(error, text):
    """It is one line, and its place is in the text."""
    assert 0 <= error.start <= min(error.end, len(text))
    assert "\n" not in str(error)
    assert error.shown()
