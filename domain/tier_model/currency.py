"""Currencies: how many decimals each has, and amounts as written in a condition turned into minor units, exactly."""

from decimal import Decimal, InvalidOperation

_BY_EXPONENT = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_EXPONENTS = {currency: places for places, currencies in _BY_EXPONENT.items() for currency in currencies.split()}
_INT64_MAX = 2**63 - 1


def exponent(currency: str) -> int:
    """Decimals of a currency by ISO 4217: 2 unless it is one of the few others."""
    return _EXPONENTS.get(currency, 2)


def minor_units(amount: str, currency: str) -> int:
    """'1000.00' to minor units (100000 in USD). Raises ValueError that says what is wrong."""
    try:
        value = Decimal(amount)
    except InvalidOperation:
        raise ValueError(f"{amount} is not a decimal amount") from None
    digits = -int(value.as_tuple().exponent)
    if digits > exponent(currency):
        raise ValueError(f"{amount} has more decimals than {currency} has ({exponent(currency)})")
    scaled = int(value.scaleb(exponent(currency)))
    if abs(scaled) > _INT64_MAX:
        raise ValueError(f"{amount} is larger than an amount can be")
    return scaled


def major_units(minor: int, currency: str) -> str:
    """100000 to '1000.00' (USD)."""
    places = exponent(currency)
    sign, digits = ("-" if minor < 0 else ""), str(abs(minor)).rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"
