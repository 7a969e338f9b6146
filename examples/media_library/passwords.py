"""What is kept of a password: a salted hash, made when it arrives and compared when somebody logs in."""

from typing import Any

from werkzeug.security import check_password_hash, generate_password_hash

SHORTEST, LONGEST = 8, 200

# Compared with where there is no such user, so that a refusal takes as long as one of a wrong password.
_NOBODYS = generate_password_hash("nobody has this password")


def hashed(password: Any) -> Any:
    """Hash what arrives as a password; what is no text is left to the check of the field.

    Raises:
        ValueError: it is too short, or too long.
    """
    if not isinstance(password, str):
        return password
    if not SHORTEST <= len(password) <= LONGEST:
        raise ValueError(f"Must have {SHORTEST} to {LONGEST} characters")
    return generate_password_hash(password)


def is_password_of(user: Any, password: str) -> bool:
    """Tell whether a password is that of a user; nobody (None) has none."""
    known = check_password_hash(_NOBODYS if user is None else user.password, password)
    return user is not None and known
