"""What strangers may type: written after the grammar was frozen, and the grammar was not changed for them since.

Each task has the values its answer must show, in order; none means that it must be refused. Today is 2026-11-22.
"""

STRANGERS: dict[str, tuple[str, ...]] = {
    "whats 45 + 55": ("100",),
    "How much is 18% of 350?": ("63",),
    "I need to split 84 between 4 people, how much does each get?": ("21",),
    "what is 9 to the power of 3 minus 29": ("700",),
    "add 12, 15 and 33 and divide by 3": ("60", "20"),
    "If a shirt costs $40 and is 30% off, what's the price?": ("28",),
    "convert 180 pounds to kilograms": ("81.6466266",),
    "how many liters are in 5 gallons?": ("18.92705892",),
    "What's the temperature in Celsius if it's 86 Fahrenheit?": ("30",),
    "6 feet in cm": ("182.88",),
    "how many hours in a week": ("168",),
    "What will the date be 90 days from 2026-11-22?": ("2027-02-20",),
    "How many days are there from March 1, 2026 to June 1, 2026?": ("92",),
    "What day of the week was 1969-07-20?": ("Sunday",),
    "days left until new year 2027-01-01": ("40",),
    "When is 6 weeks after 2026-12-01?": ("2027-01-12",),
    "What's the time in Sydney right now?": ("10:30",),
    "today's date please": ("2026-11-22",),
    "How many words are in the sentence 'I think, therefore I am'?": ("5",),
    'count characters in "hello world"': ("11",),
    "Take the square root of 81 and multiply the result by 7": ("9", "63"),
    "what is 3 times 4, 5 times 6, and 7 times 8?": ("12", "30", "56"),
    "Calculate 20% of 150 and subtract it from 150": ("30", "120"),
    "convert 3.5 miles to kilometers, then to meters": ("5.632704", "5632.704"),
    "15 squared plus 20 squared": ("625",),
    "Who won the world cup in 2022?": (),
    "Write a poem about the number 7": (),
    "What's the weather in Paris tomorrow?": (),
    "How much is 100 dollars in euros?": (),
    "Solve x^2 - 5x + 6 = 0 for x": (),
}
"""Task and the values of its answer."""
