"""What the lines say: words, names, numbers, dates, prices, codes, addresses; short enough for 320 pixels at height 48.

Spaces stand between words only: PP-OCRv4 drops the one between a word and a number even on a clean line.
"""

from __future__ import annotations

import numpy as np

LONGEST = 16
SHORTEST = 3
WORDS = """about above account across action address after again agree album alone amount animal answer april area autumn
awake bakery balance banana basket battery beach before bottle branch bread bridge bright brother budget butter camera
candle carbon castle center change charge cheese cherry circle client coffee colour column common copper corner cotton
county credit customer danger daily december degree delivery design detail dinner direct doctor dollar double driver
early engine evening example family farmer father february field figure filter finger flight flower forest fresh friday
friend garden general glass golden green ground group guitar happy harbour health heavy history hotel hundred image
imagine island january jacket journey juice july june keep kitchen ladder language large leather lemon letter library
light limit london lunch machine market master matter medium member metal middle minute mirror monday money month
morning mother mountain museum music narrow nature needle network never night normal north november number october
office open orange order other oxygen packet paper park people pepper person phone picture planet plastic please pocket
police potato power present price printer public quality quarter queen question quick radio rain reason record red river
road rocket room salad sample saturday school season second secret service shadow shop silver simple sister sleep small
smooth snow soft song south spring square station stone street strong sugar summer sunday supper table taxi teacher
theatre thunder thursday ticket tiger today tomato total tower town train travel tuesday tunnel under union valley
vector village violet visit voice wagon water weather wednesday week west wheat white window winter wonder yellow
yesterday young zebra""".split()
SUFFIXES = ("kg", "km", "ml", "cm", "GB", "MHz", "mm", "kW")


def _cased(rng: np.random.Generator, word: str) -> str:
    return (word, word.capitalize(), word.upper())[rng.choice(3, p=(0.45, 0.4, 0.15))]


def _words(rng: np.random.Generator) -> str:
    return " ".join(_cased(rng, str(rng.choice(WORDS))) for _ in range(int(rng.integers(1, 4))))


def _punctuated(rng: np.random.Generator) -> str:
    return f"{_cased(rng, str(rng.choice(WORDS)))}{rng.choice(list('.,:!?;'))}"


def _number(rng: np.random.Generator) -> str:
    return str(int(10 ** rng.uniform(2, 9)))


def _amount(rng: np.random.Generator) -> str:
    sign = str(rng.choice(["$", "", "-", "+"]))
    return f"{sign}{int(10 ** rng.uniform(0, 4))}.{int(rng.integers(100)):02}"


def _date(rng: np.random.Generator) -> str:
    year, month, day = int(rng.integers(1950, 2040)), int(rng.integers(1, 13)), int(rng.integers(1, 29))
    return (f"{year}-{month:02}-{day:02}", f"{day:02}/{month:02}/{year}", f"{day}.{month}.{year}")[int(rng.integers(3))]


def _time(rng: np.random.Generator) -> str:
    return f"{int(rng.integers(24)):02}:{int(rng.integers(60)):02}"


def _measure(rng: np.random.Generator) -> str:
    return f"{int(10 ** rng.uniform(0, 4))}{rng.choice(SUFFIXES)}"


def _percent(rng: np.random.Generator) -> str:
    return f"{rng.uniform(0, 100):.1f}%"


def _mail(rng: np.random.Generator) -> str:
    return f"{rng.choice(WORDS)}@{rng.choice(WORDS)}.com"


def _numbered(rng: np.random.Generator) -> str:
    return f"{_cased(rng, str(rng.choice(WORDS)))}-{int(10 ** rng.uniform(0, 4))}"


def _bracketed(rng: np.random.Generator) -> str:
    return f"({rng.choice(WORDS)}){int(rng.integers(1, 100))}"


# maker, share
KINDS = ((_words, 0.42), (_punctuated, 0.08), (_number, 0.1), (_amount, 0.1), (_date, 0.08), (_time, 0.03),
         (_measure, 0.05), (_percent, 0.04), (_mail, 0.03), (_numbered, 0.05), (_bracketed, 0.02))  # fmt: skip


def texts(count: int, alphabet: set[str], seed: int, taken: set[str] = frozenset()) -> list[str]:
    """`count` different lines over `alphabet`, none of them in `taken`."""
    rng = np.random.default_rng([seed, 7])
    makers, shares = zip(*KINDS)
    chosen: dict[str, None] = {}
    while len(chosen) < count:
        text = makers[rng.choice(len(makers), p=shares)](rng)
        if SHORTEST <= len(text) <= LONGEST and alphabet.issuperset(text) and text not in taken:
            chosen[text] = None
    return list(chosen)
