"""Words for the halves of the day, and the hour they make. Source: Unicode CLDR 48, dayPeriods of each language."""

# ruff: noqa: RUF001, SIM905 - the letters are those of the languages; a table of words is read best as words

# Ready to look up: as plain.word() leaves them, without points, spaces, quotes and capitals.
_AM = """am a vm fm ص ق قظ قبلازظهر ጥዋት проб dop πμ ap de 午前 上午 오전 таңкы тң ກ່ອນທ່ຽງ prp priešpiet
priekšp priekšpusdienā претпл pg နံနက် ਪੂਦੁ ਸ pd eparadites paradites ఉ ก่อนเที่ยง öö дп to sa d ա पूर्वाह्न පෙව පෙ
পূর্বাহ্ণ לפנהצ ಪೂರ್ವಾಹ್ನ முற்பகல் मपू damanhã manhã vorm ព្រឹក 凌晨 清晨 早上 清早 午夜 半夜""".split()
_PM = """pm p nm em م ب بظ بعدازظهر ከሰዓት слоб odp pop μμ ip du 午後 下午 오후 түштөнкийинки тк ຫຼັງທ່ຽງ popiet
pēcp pēcpusdienā попл ptg ညနေ ਬਾਦੁ ਸ਼ md epasdites pasdites సా หลังเที่ยง ös пп tk ch հ अपराह्न පව ප
অপরাহ্ণ אחהצ ಅಪರಾಹ್ನ பிற்பகல் मउ datarde tarde nachm ល្ងាច 傍晚 黄昏 黃昏""".split()
_NOON = "中午"
_EVENING = "晚上"
_MORNING, _AFTERNOON = frozenset(_AM), frozenset(_PM)
_HALF = 12
_HOURS = 24


def hour_of(hour: int, period: str) -> int | None:
    """Hour 0-23 of a printed hour and its word (empty on a 24-hour clock); None for what is no time.

    Some phones print the word beside a 24-hour time: an hour above 12 stands as it is.
    """
    if not 0 <= hour < _HOURS:
        return None
    if not period or hour > _HALF:
        return hour if not period or _known(period) else None
    if period == _NOON:
        return hour if hour > 10 else hour + _HALF  # noqa: PLR2004 - noon begins at 11 (CLDR zh dayPeriodRules)
    if period in _MORNING or (period == _EVENING and hour == _HALF):
        return hour % _HALF
    return hour % _HALF + _HALF if _known(period) else None


def _known(period: str) -> bool:
    return period in _MORNING or period in _AFTERNOON or period in {_NOON, _EVENING}
