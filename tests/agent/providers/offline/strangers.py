"""Tasks as strangers may type them, written after the grammar was frozen; the grammar was not changed for them.

Each task has the values its answer must show, in order; none means that it must be refused. Today is 2026-11-22.
"""

STRANGERS: dict[str, tuple[str, ...]] = {
    "hey, can you work out 48 / 6 for me?": ("8",),
    "99 plus 1 minus 50": ("50",),
    "What's thirteen squared?": ("169",),
    "I'd like to know the average of 12, 18, 24 and 30": ("21",),
    "sqrt of 225": ("15",),
    "what is 7.5% of 1,200": ("90",),
    "If I increase 64 by 50%, what do I get?": ("96",),
    "45 is what percentage of 180?": ("25%",),
    "what is the product of 8 and 125?": ("1000",),
    "compute 3^4 - 2^5": ("49",),
    "how many inches are there in 3 feet": ("36",),
    "12 kg in grams please": ("12000",),
    "convert 451 fahrenheit to celsius": ("232.777778",),
    "what is 50 mph in km/h": ("80.4672",),
    "how many kilometres is 13.1 miles?": ("21.0824064",),
    "convert 3 hours to seconds": ("10800",),
    "what's the date 1000 days after 2025-01-01": ("2027-09-28",),
    "how many days between christmas 2026 and 2027-03-01?": ("66",),
    "which weekday is 2028-02-29": ("Tuesday",),
    "date two months before 2026-05-31": ("2026-03-31",),
    "what time is it in San Francisco?": ("10:30",),
    "How many words does the phrase 'to be or not to be' contain?": ("6",),
    "character count of 'agent'": ("5",),
    "multiply 25 by 4, subtract 10, then divide by 9": ("100", "90", "10"),
    "what's 2 + 2 and what day of the week is 2026-07-04?": ("4", "Saturday"),
    "how long does it take to boil an egg?": (),
    "translate 'good morning' into French": (),
    "what is the 10th prime number": (),
    "how much is 3 apples plus 4 oranges": (),
    "is 2026 a leap year?": (),
}
"""The values of the answer by task."""
