"""The tasks that the grammar was written for, with their exact answers. Today is 2026-11-22, a Sunday, 10:30 UTC.

The answers were worked out by hand, not copied from the planner.
"""

ARITHMETIC = {
    "What is 17 * 23?": "`17 * 23` = **391**",
    "What is 17 * 23 and what is 2**10?": "- `17 * 23` = **391**\n- `2**10` = **1024**",
    "17*23": "`17*23` = **391**",
    "half of 90": "`90 / 2` = **45**",
    "average of 3, 4 and 8": "`mean(3, 4, 8)` = **5**",
    "What is the mean of 2, 4, and 9?": "`mean(2, 4, 9)` = **5**",
    "seventeen times twenty-three": "`17 * 23` = **391**",
    "five plus seven": "`5 + 7` = **12**",
    "What is forty-two minus nineteen?": "`42 - 19` = **23**",
    "100 divided by 8": "`100 / 8` = **12.5**",
    "what's 12 x 12": "`12 * 12` = **144**",
    "2 to the power of 8": "`2 ** 8` = **256**",
    "2 to the 10th": "`2 ** 10` = **1024**",
    "12 squared": "`12 ** 2` = **144**",
    "the cube of 3": "`3 ** 3` = **27**",
    "square root of 144": "`sqrt(144)` = **12**",
    "What is the square root of 2?": "`sqrt(2)` = **about 1.414214**",
    "cube root of 27": "`cbrt(27)` = **3**",
    "What is 1,250 + 2,750?": "`1250 + 2750` = **4000**",
    "0.1 + 0.2": "`0.1 + 0.2` = **0.3**",
    "7 / 3": "`7 / 3` = **about 2.333333**",
    "Please calculate (3 + 4) * 5": "`(3 + 4) * 5` = **35**",
    "one hundred and five plus three": "`105 + 3` = **108**",
    "1.5 million divided by 3": "`1500000 / 3` = **500000**",
    "sum of 1, 2, 3 and 4": "`1 + 2 + 3 + 4` = **10**",
    "product of 3, 4 and 5": "`3 * 4 * 5` = **60**",
    "largest of 3, 9 and 4": "`max(3, 9, 4)` = **9**",
    "What is the smallest of 8, 2 and 5?": "`min(8, 2, 5)` = **2**",
    "median of 5, 1 and 9": "`median(5, 1, 9)` = **5**",
    "difference between 5 and 12": "`abs(5 - 12)` = **7**",
    "5!": "`factorial(5)` = **120**",
    "remainder of 17 divided by 5": "`17 % 5` = **2**",
    "greatest common divisor of 12 and 18": "`gcd(12, 18)` = **6**",
    "two thirds of 90": "`90 * 2 / 3` = **60**",
    "3/4 of 100": "`100 * 3 / 4` = **75**",
    "twice 21": "`21 * 2` = **42**",
    "subtract 8 from 20": "`20 - 8` = **12**",
    "divide 144 by 12": "`144 / 12` = **12**",
    "5 more than 10": "`10 + 5` = **15**",
    "Round 3.14159 to 2 decimal places": "`round(3.14159, 2)` = **3.14**",
    "2^10": "`2^10` = **1024**",
    "$1,250 + $3": "`1250 + 3` = **1253**",
}

PERCENTAGES = {
    "15% of 240": "`240 * 15 / 100` = **36**",
    "What is 20 percent of 50?": "`50 * 20 / 100` = **10**",
    "increase 200 by 15%": "`200 * (100 + 15) / 100` = **230**",
    "decrease 80 by 25%": "`80 * (100 - 25) / 100` = **60**",
    "25% off 80": "`80 * (100 - 25) / 100` = **60**",
    "What percent of 80 is 20?": "`20 * 100 / 80` = **25%**",
    "30 is what percent of 120": "`30 * 100 / 120` = **25%**",
    "percentage increase from 50 to 60": "`(60 - 50) * 100 / 50` = **20%**",
    "What's a 15% tip on $85?": "`85 * 15 / 100` = **12.75**",
}

CHAINS = {
    "What is 15% of 240, then add 10 to the result": "- `240 * 15 / 100` = **36**\n- `36 + 10` = **46**",
    "multiply 12 by 7 and convert the result from miles to km": "- `12 * 7` = **84**\n- 84 miles = **135.184896 km**",
    "add 5 and 7, then multiply it by 3, then subtract 6": (
        "- `5 + 7` = **12**\n- `12 * 3` = **36**\n- `36 - 6` = **30**"
    ),
    "Divide 144 by 12. Then square it.": "- `144 / 12` = **12**\n- `12 ** 2` = **144**",
    "What is 10 - 4 and 3 * 3? Then add both results.": "- `10 - 4` = **6**\n- `3 * 3` = **9**\n- `6 + 9` = **15**",
    "Take 100, add 50, then halve it": "- `100` = **100**\n- `100 + 50` = **150**\n- `150 / 2` = **75**",
    "Convert 10 feet to cm and then convert that to inches": "- 10 feet = **304.8 cm**\n- 304.8 cm = **120 inches**",
    "Count the words in 'one, two and three' and multiply the result by 10": (
        "- “one, two and three” has **4** words\n- `4 * 10` = **40**"
    ),
    "what is 3 - 10, then square the result": "- `3 - 10` = **-7**\n- `(-7) ** 2` = **49**",
    "add 15 and 27, then what is 10% of that?": "- `15 + 27` = **42**\n- `42 * 10 / 100` = **4.2**",
    "days between 2026-01-01 and 2026-12-25, then divide it by 2": (
        "- From 2026-01-01 to 2026-12-25 it is **358 days**\n- `358 / 2` = **179**"
    ),
    "Add 3 weeks to 2026-11-22, then what day of the week is that date": (
        "- 3 weeks after 2026-11-22 is **2026-12-13** (Sunday)\n- 2026-12-13 is a **Sunday**"
    ),
}

UNITS = {
    "Convert 72 degF to degC": "72 degF is **about 22.222222 degC**",
    "how many feet are in 2 meters": "2 meters is **about 6.56168 feet**",
    "How many seconds in a day": "1 day = **86400 seconds**",
    "how many minutes are there in 2.5 hours?": "2.5 hours = **150 minutes**",
    "What is 5 kg in pounds?": "5 kg is **about 11.023113 pounds**",
    "convert 98.6 F to C": "98.6 F = **37 C**",
    "-40 C to F": "-40 C = **-40 F**",
    "100 km/h to mph": "100 km/h is **about 62.137119 mph**",
    "convert 26.2 miles into kilometers": "26.2 miles = **42.1648128 kilometers**",
    "Convert 5 miles to km and 10 kg to g": "- 5 miles = **8.04672 km**\n- 10 kg = **10000 g**",
    "how many MB are in 2 GB": "2 GB = **2000 MB** (counted in thousands; for 1024 write KiB, MiB, GiB)",
    "how many milliliters in a cup": "1 cup = **236.5882365 milliliters** (US measure)",
    "180 degrees to radians": "180 degrees is **about 3.141593 radians**",
    "convert 2 square meters to square feet": "2 square meters is **about 21.527821 square feet**",
    "how long is 90 minutes in hours": "90 minutes = **1.5 hours**",
}

DATES = {
    "What date is 45 days after 2026-11-22?": "45 days after 2026-11-22 is **2027-01-06** (Wednesday)",
    "days between 2026-01-01 and 2026-12-25": "From 2026-01-01 to 2026-12-25 it is **358 days**",
    "how many weeks between 2026-01-01 and 2026-12-25": "From 2026-01-01 to 2026-12-25 it is **51 weeks and 1 day**",
    "what day of the week is 2026-12-25": "2026-12-25 is a **Friday**",
    "What weekday is November 22, 2026?": "2026-11-22 is a **Sunday**",
    "3 weeks before 2026-03-01": "3 weeks before 2026-03-01 is **2026-02-08** (Sunday)",
    "2026-01-31 plus 1 month": (
        "1 month after 2026-01-31 is **2026-02-28** (Saturday). "
        "February 2026 has only 28 days, so its last day was taken."
    ),
    "add 1 year and 2 months to 2024-02-29": "1 year and 2 months after 2024-02-29 is **2025-04-29** (Tuesday)",
    "subtract 10 days from 5 January 2027": "10 days before 2027-01-05 is **2026-12-26** (Saturday)",
    "how many days until 2026-12-25": "From 2026-11-22 to 2026-12-25 it is **33 days**",
    "What is the date in 2 weeks?": "2 weeks after 2026-11-22 is **2026-12-06** (Sunday)",
    "what was the date 100 days ago": "100 days before 2026-11-22 is **2026-08-14** (Friday)",
    "What is tomorrow's date?": "2026-11-23 is a **Monday**",
}

CLOCK = {
    "what time is it in Tokyo": "It is **10:30** on Sunday, 2026-11-22, in Tokyo (Asia/Tokyo)",
    "What time is it?": "It is **10:30** on Sunday, 2026-11-22, in UTC",
    "what is today's date": "Today is **2026-11-22** (Sunday) in UTC",
    "What day is it today?": "Today is **Sunday**, 2026-11-22, in UTC",
    "what time is it in Europe/Berlin and New York": (
        "- It is **10:30** on Sunday, 2026-11-22, in Europe/Berlin\n"
        "- It is **10:30** on Sunday, 2026-11-22, in New York (America/New_York)"
    ),
}

TEXTS = {
    "Count the words in 'the quick brown fox'": "“the quick brown fox” has **4** words",
    'How many characters are in "naïve café"?': "“naïve café” has **10** characters",
    "How many words does “don't stop, now” have?": "“don't stop, now” has **3** words",
    "how many words and sentences are in 'One. Two three.'": "“One. Two three.” has **3** words and **2** sentences",
    "how many unique words are in 'the cat and the dog'": "“the cat and the dog” has **4** different words",
    "How many letters are in 'banana'?": "“banana” has **6** characters without spaces",
    "count the words in: hello there, my friend": "“hello there, my friend” has **4** words",
    "What is the word count of 'a b c'?": "“a b c” has **3** words",
}

FROM_THE_FIRST_STRANGERS = {
    "whats 45 + 55": "`45 + 55` = **100**",
    "How much is 18% of 350?": "`350 * 18 / 100` = **63**",
    "what is 9 to the power of 3 minus 29": "`9 ** 3 - 29` = **700**",
    "add 12, 15 and 33 and divide by 3": "- `12 + 15 + 33` = **60**\n- `60 / 3` = **20**",
    "convert 180 pounds to kilograms": "180 pounds = **81.6466266 kilograms**",
    "how many liters are in 5 gallons?": "5 gallons = **18.92705892 liters** (US measure)",
    "What's the temperature in Celsius if it's 86 Fahrenheit?": "86 Fahrenheit = **30 Celsius**",
    "6 feet in cm": "6 feet = **182.88 cm**",
    "how many hours in a week": "1 week = **168 hours**",
    "What will the date be 90 days from 2026-11-22?": "90 days after 2026-11-22 is **2027-02-20** (Saturday)",
    "How many days are there from March 1, 2026 to June 1, 2026?": "From 2026-03-01 to 2026-06-01 it is **92 days**",
    "What day of the week was 1969-07-20?": "1969-07-20 is a **Sunday**",
    "days until new year's day 2027": "From 2026-11-22 to 2027-01-01 it is **40 days**",
    "When is 6 weeks after 2026-12-01?": "6 weeks after 2026-12-01 is **2027-01-12** (Tuesday)",
    "What's the time in Sydney right now?": "It is **10:30** on Sunday, 2026-11-22, in Sydney (Australia/Sydney)",
    "How many words are in the sentence 'I think, therefore I am'?": "“I think, therefore I am” has **5** words",
    'count characters in "hello world"': "“hello world” has **11** characters",
    "Take the square root of 81 and multiply the result by 7": "- `sqrt(81)` = **9**\n- `9 * 7` = **63**",
    "what is 3 times 4, 5 times 6, and 7 times 8?": "- `3 * 4` = **12**\n- `5 * 6` = **30**\n- `7 * 8` = **56**",
    "Calculate 20% of 150 and subtract it from 150": "- `150 * 20 / 100` = **30**\n- `150 - 30` = **120**",
    "convert 3.5 miles to kilometers, then to meters": (
        "- 3.5 miles = **5.632704 kilometers**\n- 5.632704 kilometers = **5632.704 meters**"
    ),
    "15 squared plus 20 squared": "`15 ** 2 + 20 ** 2` = **625**",
    "split 84 between 4 people": "`84 / 4` = **21**",
}

PHRASINGS = FROM_THE_FIRST_STRANGERS | ARITHMETIC | PERCENTAGES | CHAINS | UNITS | DATES | CLOCK | TEXTS
"""Exact answers by task."""

REFUSED = (
    "What is the capital of France?",
    "What is 5 + 5 and who is the president?",
    "square root of 16 plus 9",
    "sum of 100,200,300",
    "average of 10 and 20 and 30 divided by 2",
    "-5 squared",
    "sin(90)",
    "How many days are in a year?",
    "How many days are between 11/12/2026 and 12/12/2026?",
    "I have 15 apples and eat 3, how many are left?",
    "Convert it to km",
    "add 10 to the result",
    "convert 5 bananas to apples",
    "2x + 3 = 7",
    "200 + 10%",
    "How many r's are in 'strawberry'?",
    "I need to split 84 between 4 people, how much does each get?",
    "If a shirt costs $40 and is 30% off, what's the price?",
    "days left until new year",
    "Who won the world cup in 2022?",
    "Write a poem about the number 7",
    "What's the weather in Paris tomorrow?",
    "How much is 100 dollars in euros?",
    "Solve x^2 - 5x + 6 = 0 for x",
    "What is 2+2? Then add 3 and 4",
    "$5 + €3",
    "increase 5 by 2 percentage points",
)
"""Tasks that are ambiguous, or beyond the tools."""
