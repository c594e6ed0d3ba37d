"""What refusals of skills say."""

from typing import Final

from runs.agent.errors.sentences import ErrorSentence

INVALID: Final = ErrorSentence("The front matter of SKILL.md is not valid: %(fault)s")
NO_FRONTMATTER: Final = ErrorSentence("SKILL.md does not begin with front matter, a line of three hyphens.")
OPEN_FRONTMATTER: Final = ErrorSentence("The front matter of SKILL.md does not end within %(most)s KiB.")
NO_SKILL_FILE: Final = ErrorSentence("There is no SKILL.md at the top of the ZIP, or of its only folder.")
UNSAFE_NAME: Final = ErrorSentence("The ZIP has a file named %(name)s, which is no safe path.")
NOT_A_FILE: Final = ErrorSentence("The ZIP has %(name)s, which is a link or no file.")
DOUBLED: Final = ErrorSentence("The ZIP has %(name)s twice.")
TOO_MANY_FILES: Final = ErrorSentence("The skill has more than %(most)s files.")
