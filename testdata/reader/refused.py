"""How this reader says no."""


class Refused(Exception):
    """A file breaks a clause of SPEC.md.

    verdict is "malformed", "altered", or "foreign"; clause is the clause's
    number; the text says what is wrong.
    """

    def __init__(self, verdict, clause, text):
        super().__init__(text)
        self.verdict = verdict
        self.clause = clause


def malformed(clause, text):
    """Returns the Refused for a file that is not formed as the clause says."""
    return Refused("malformed", clause, text)


def altered(clause, text):
    """Returns the Refused for content that is not what the manifest binds."""
    return Refused("altered", clause, text)
