"""Texts to compare counting with: such as editors write, and such as nobody should."""

import random

from bot.platforms.x import longer_sequences

ENGLISH = """
The people we speak of are our mothers and fathers, our brothers and sisters.
Dahua is not simply a passive supplier that ‘does not control how its technology is used’.
A key tool used by police in China against Uyghurs – based on 2017 guidance – is sold today.
“As the CCP sketched its plan to destroy millions of lives, Dahua held the pen.”
We are asking employees to resign, and partnered companies to terminate business ties.
It costs €3.50 or £3; the U.S. list (p. 14) says so… Dr. Smith agreed: 50 % more → worse.
Read the report. Then write to your council • today • not tomorrow™.
Can’t make it? Watch the recording—it’s free.
""".strip().split("\n")
UYGHUR = """
بىز دادىمىز ۋە ئانىمىز، قېرىندىشىمىز ھەققىدە سۆزلەۋاتىمىز.
ئۇيغۇرلارنىڭ ئاۋازىنى ئاڭلاڭ؛ ئۇلار نەدە؟
«داخۇا» شىركىتى قەلەمنى تۇتتى!
2022-يىلى 12-ئاينىڭ 9-كۈنى، ئوچۇق خەت.
""".strip().split("\n")
CHINESE = """
我们所说的是我们的父母、兄弟姐妹、亲人和朋友。
大华并不只是一个被动的供应商……它握着笔。
“请辞职！”公开信写道：二〇二二年十二月九日。
維吾爾人權項目（UHRP）發表公開信。
""".strip().split("\n")
EMOJI = [
    *("😀", "🕯️", "❤️", "✊", "✊🏽", "👩\u200d💻", "👨\u200d👩\u200d👧\u200d👦", "🏳️\u200d🌈", "🇺🇸"),
    *("🇨🇦", "1️⃣", "☎️", "©", "©️", "™", "✍️", "🙏🏿", "📢", "🧕", "🧕🏾", "⚖️", "👁️"),
]
LINKS = """
https://ipvm.com/reports/racial-ethnic-standards
https://www.latimes.com/business/technology/story/2021-02-09/dahua-facial-recognition-china-surveillance-uighur
https://www.bbc.com/news/technology-57101248
https://www.bbc.co.uk/news/extra/85qihtvw6e/the-faces-from-chinas-uyghur-detention-camps
https://www.technologyreview.com/2022/10/10/1060982/china-pandemic-cameras-surveillance-state-book/
https://example.org/path?query=1&more=2#part
https://example.org/wiki/Uyghur_(people)
http://campaign.example.com/
https://campaignforuyghurs.org/open-letter-to-dahua-and-lorex-partners/
bbc.com/x
uhrp.org
https://例子.中国/信
https://example.org/%D8%A6%D8%A7%DB%8B%D8%A7%D8%B2
""".strip().split("\n")
TAGS = ["#Uyghur", "#HumanRights", "#Dahua", "#ئۇيغۇر", "#维吾尔", "#2022", "#StopForcedLabour2026"]
CALLS = ["@coalition.example.com", "@uhrp", "@name@mastodon.social", "team@example.org"]
MARKS = ["\u2067{}\u2069", "\u2066{}\u2069", "\u202b{}\u202c", "\u200f{}\u200f", "\u200e{}"]


def _chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - the same texts in every run, no secret


def realistic(count: int) -> list[str]:
    """Posts: one to three sentences, perhaps a link, hashtags, an emoji, marks of direction."""
    chance = _chance(280)
    return [_post(chance) for _ in range(count)]


def _post(chance: random.Random) -> str:
    sentences = chance.choice([ENGLISH, ENGLISH, UYGHUR, CHINESE])
    parts = [chance.choice(sentences) for _ in range(chance.randint(1, 3))]
    if sentences is UYGHUR and chance.random() < 0.5:
        parts = [chance.choice(MARKS).format(part) for part in parts]
    for pool, share in ((EMOJI, 0.5), (TAGS, 0.5), (CALLS, 0.2), (LINKS, 0.7)):
        if chance.random() < share:
            parts.append(chance.choice(pool))
    if chance.random() < 0.2:
        parts.insert(0, chance.choice(ENGLISH).replace("e", "e\u0301"))
    return chance.choice([" ", " ", "\n\n", "\r\n"]).join(parts)


NASTY = [
    *"aZ09.-_/@#$:;,!?()[]'\"&%+=~|*\\^`{}<> \n\t",
    *"…•€→™©®—–‘’“”、。，（）「」ﷺéßıſKΑяあ中한ئگ٠１",
    *"\u00a0\u00ad\u061c\u180e\u2009\u200b\u200c\u200d\u200e\u200f\u2028\u202a\u202e\u2060\u2066",
    *"\u2069\u20e3\u3000\ufe0e\ufe0f\ufeff\ufffd\ufffe\uffff\u0301\u0628\u064e\u0915\u094d\u093f",
    *[
        *("http://", "https://", "HTTP://", "ftp://", "www.", ".com", ".org", ".co.uk", ".みんな"),
        *(".中国", ".рф", ".museum", ".c", ".x.y"),
    ],
    *[
        *("foo", "bar", "example", "Foo.Com", "t.co/abc", "t.co/", "xn--", "xn--p1ai", "a_b"),
        *("-a", "a-", "a..b", "user@host", "#tag"),
    ],
    *[
        "http://a.com/(b)",
        "http://a.com/((c))",
        "/path",
        "?q=1",
        "#frag",
        ":80",
        "é.com",
        "中文.com",
        "a.b.c.d",
    ],
    *[
        *("😀", "☺", "☺️", "👩", "👨🏽", "🏽", "❤", "♀", "⚧", "🏴", "🇺", "🇸", "🇨🇶", "1", "*", "👁"),
        *("🗨", "👁\u200d🗨", "🤵", "♂️", "🧑", "🫂", "🫱🏻\u200d🫲🏿", "🐈\u200d⬛"),
    ],
    *sorted(longer_sequences(), key=lambda text: [f"{ord(sign):x}" for sign in text])[::9],
]


def hostile(count: int) -> list[str]:
    """Joins of pieces that have misled somebody: other scripts' hosts, half emoji, odd spaces."""
    chance = _chance(853)
    return ["".join(chance.choices(NASTY, k=chance.randint(2, 14))) for _ in range(count)]
