"""What can be traded, and how its class is read from its symbol.

Entry points: `Instrument` (and `Instrument.of`), `AssetClass`, `asset_class_of`.

Invariants: an instrument is equal and hashed by its `id` alone, so two descriptions of one thing are one key. Zero
means "no rule" for `tick`, `lot` and `min_notional`. Detection never fails: what is not recognised is an equity.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .errors import InputError

__all__ = ["AssetClass", "Instrument", "OptionKind", "asset_class_of"]


class AssetClass(StrEnum):
    """Closed set of asset classes."""

    EQUITY = "equity"
    ETF = "etf"
    CRYPTO = "crypto"
    FX = "fx"
    FUTURE = "future"
    OPTION = "option"
    INDEX = "index"


class OptionKind(StrEnum):
    """Right that an option gives."""

    CALL = "call"
    PUT = "put"


@dataclass(frozen=True, slots=True, eq=False, kw_only=False)
class Instrument:
    """A thing that can be traded.

    Parameters
    ----------
    symbol : str
        Name on its venue, kept as given.
    venue : str
        Where it trades; empty when it does not matter. Part of the identity.
    asset_class : AssetClass
        Decides asset-class rules of the configuration.
    currency : str
        Currency of prices and profit.
    tick : float
        Smallest price step, 0 = none.
    lot : float
        Smallest quantity step, 0 = fractional without a step.
    min_notional : float
        Smallest value of an order in `currency`, 0 = none.
    multiplier : float
        Money per point of price per unit of quantity.
    calendar : str
        Exchange calendar code (``"XNYS"``), or ``"24/7"`` or ``"24/5"``.
    sector : str or None
        Sector for exposure limits.
    expiry : date or None
        Last day of a future or option.
    strike : float or None
        Strike of an option.
    option_kind : OptionKind or None
        Call or put.
    underlying : str or None
        Symbol of what a derivative is written on.

    Raises
    ------
    InputError
        If the symbol is empty or holds white space at its ends, or a number is negative or not finite.

    Examples
    --------
    >>> Instrument("SPY") == Instrument("SPY", tick=0.01)
    True
    >>> Instrument("SPY").id, Instrument("BTC/USDT", venue="binance").id
    ('SPY', 'BTC/USDT.binance')
    """

    symbol: str
    venue: str = ""
    asset_class: AssetClass = AssetClass.EQUITY
    currency: str = "USD"
    tick: float = 0.0
    lot: float = 0.0
    min_notional: float = 0.0
    multiplier: float = 1.0
    calendar: str = "XNYS"
    sector: str | None = None
    expiry: dt.date | None = None
    strike: float | None = None
    option_kind: OptionKind | None = None
    underlying: str | None = None

    def __post_init__(self) -> None:
        if not self.symbol or self.symbol != self.symbol.strip():
            raise InputError(f"An instrument needs a symbol without white space at its ends, not {self.symbol!r}.")
        for name in ("tick", "lot", "min_notional"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0.0):
                raise InputError(
                    f"{name} of {self.symbol} is {value!r}; it must be finite and at least 0 (0 means no such rule)."
                )
        if not (math.isfinite(self.multiplier) and self.multiplier > 0.0):
            raise InputError(f"multiplier of {self.symbol} is {self.multiplier!r}; it must be finite and above 0.")

    @property
    def id(self) -> str:
        """``"SYMBOL"`` or ``"SYMBOL.VENUE"``; the identity."""
        return f"{self.symbol}.{self.venue}" if self.venue else self.symbol

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Instrument):
            return NotImplemented
        return self.symbol == other.symbol and self.venue == other.venue

    def __hash__(self) -> int:
        return hash(self.id)

    def __str__(self) -> str:
        return self.id

    @classmethod
    def of(cls, symbol: str, **fields: Any) -> Instrument:
        """Instrument with the defaults of the class that `asset_class_of` finds.

        Parameters
        ----------
        symbol : str
            Symbol in any of the notations `asset_class_of` knows.
        **fields
            Any field of `Instrument`; wins over the class default.

        Returns
        -------
        Instrument
            Crypto trades ``"24/7"``, fx ``"24/5"``, futures on ``"CMES"``, everything else on ``"XNYS"``. The currency
            is the quote of a pair. An option in OCC notation gets its expiry, strike, kind, underlying and a
            multiplier of 100.

        Examples
        --------
        >>> Instrument.of("BTC-USD").calendar, Instrument.of("EUR/USD").calendar, Instrument.of("AAPL").calendar
        ('24/7', '24/5', 'XNYS')
        >>> Instrument.of("USDJPY").currency
        'JPY'
        >>> o = Instrument.of("SPY240119C00480000")
        >>> o.underlying, o.expiry.isoformat(), str(o.option_kind), o.strike, o.multiplier
        ('SPY', '2024-01-19', 'call', 480.0, 100.0)
        """
        asset_class = AssetClass(fields.pop("asset_class", None) or asset_class_of(symbol))
        defaults: dict[str, Any] = {"calendar": _CALENDARS.get(asset_class, "XNYS")}
        if asset_class in {AssetClass.CRYPTO, AssetClass.FX}:
            pair = _split_pair(symbol)
            if pair is not None:
                defaults["currency"] = pair[1]
        elif asset_class is AssetClass.OPTION:
            match = _OCC.match(symbol.strip().upper().removeprefix("O:"))
            if match is not None:
                root, day, kind, strike = match.groups()
                defaults |= {
                    "underlying": root,
                    "expiry": dt.date(2000 + int(day[:2]), int(day[2:4]), int(day[4:])),
                    "option_kind": OptionKind.CALL if kind == "C" else OptionKind.PUT,
                    "strike": int(strike) / 1000.0,
                    "multiplier": 100.0,
                }
        return cls(symbol=symbol, asset_class=asset_class, **(defaults | fields))


def asset_class_of(symbol: str) -> AssetClass:
    """Asset class that a symbol's notation tells.

    Parameters
    ----------
    symbol : str
        A symbol as exchanges, brokers or data vendors write it; case does not matter.

    Returns
    -------
    AssetClass
        Rules, first match wins: OCC option; ``=X``, ``C:`` or a pair of two fiat currencies or metals is fx;
        ``=F``, ``/ES`` or root, month letter and year is a future; a pair with a coin or a stable coin is crypto, and
        so is its perpetual contract (``BTC-PERP``); a leading ``^``, ``_``, ``$`` or ``I:``, or a known index name, is
        an index; a known fund is an ETF; anything else is an equity.

    Examples
    --------
    >>> [str(asset_class_of(s)) for s in ("BTC-USD", "ETHUSDT", "SPY", "TSLA", "EURUSD=X", "^GSPC", "ES=F", "BRK-B")]
    ['crypto', 'crypto', 'etf', 'equity', 'fx', 'index', 'future', 'equity']
    """
    text = symbol.strip().upper()
    if _OCC.match(text.removeprefix("O:")):
        return AssetClass.OPTION
    if text.endswith("=X") or text.startswith("C:"):
        return AssetClass.FX
    if text.endswith("=F") or (text.startswith("/") and len(text) > 1):
        return AssetClass.FUTURE
    if text.startswith("X:"):
        return AssetClass.CRYPTO
    if text.startswith(("^", "$", "I:")) or (text.startswith("_") and len(text) > 1) or text in _INDICES:
        return AssetClass.INDEX
    contract = _CONTRACT.match(text)
    if contract is not None and contract.group(1) in _FUTURE_ROOTS:
        return AssetClass.FUTURE
    if text in _ETFS:
        return AssetClass.ETF
    perpetual = _PERPETUAL.sub("", text)
    if perpetual != text and asset_class_of(perpetual) is AssetClass.CRYPTO:
        return AssetClass.CRYPTO
    pair = _split_pair(text)
    if pair is not None:
        return AssetClass.FX if pair[0] in _FX and pair[1] in _FX else AssetClass.CRYPTO
    return AssetClass.CRYPTO if text in _BARE_COINS else AssetClass.EQUITY


def _split_pair(symbol: str) -> tuple[str, str] | None:
    """Base and quote of a currency or coin pair; None when the symbol is not a pair."""
    text = symbol.strip().upper().removesuffix("=X")
    for prefix in ("C:", "X:"):
        text = text.removeprefix(prefix)
    for mark in ("/", "-", "_"):
        if text.count(mark) == 1:
            base, quote = text.split(mark)
            quote = quote.split(":")[0]
            return (base, quote) if base and quote in _QUOTES else None
    if len(text) == 6 and text[:3] in _FX and text[3:] in _FX:
        return text[:3], text[3:]
    for quote in _STABLE_BY_LENGTH:
        if text.endswith(quote) and len(text) >= len(quote) + 2:
            return text[: -len(quote)], quote
    for width in (3, 4):
        base, quote = text[:-width], text[-width:]
        if base in _COINS and quote in _QUOTES:
            return base, quote
    return None


_OCC = re.compile(r"^([A-Z]{1,6})\s*(\d{6})([CP])(\d{8})$")
_CONTRACT = re.compile(r"^([A-Z0-9]{1,3})[FGHJKMNQUVXZ]\d{1,2}$")
_PERPETUAL = re.compile(r"[-_.:]?(PERP|PERPETUAL|SWAP)$")
_CALENDARS = {AssetClass.CRYPTO: "24/7", AssetClass.FX: "24/5", AssetClass.FUTURE: "CMES"}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Fiat currencies and the metals that trade as pairs against them.
_FX = _words(
    "USD EUR JPY GBP AUD CAD CHF NZD SEK NOK DKK SGD HKD CNY CNH MXN ZAR TRY PLN HUF CZK INR KRW BRL ILS THB IDR MYR "
    "PHP TWD RUB RON CLP COP PEN ARS SAR AED XAU XAG XPT XPD"
)
_STABLE = _words("USDT USDC BUSD TUSD FDUSD DAI USDP PYUSD USDE EURC EURT")
# Without a separator only endings that no company's ticker has.
_STABLE_BY_LENGTH = sorted(_STABLE - {"DAI"}, key=len, reverse=True)
_COINS = _STABLE | _words(
    "BTC XBT ETH BNB SOL XRP ADA DOGE AVAX DOT MATIC POL LINK LTC BCH TRX SHIB ATOM UNI XLM ETC FIL APT ARB OP NEAR "
    "ICP HBAR VET ALGO AAVE MKR XMR EOS XTZ SAND MANA AXS GRT FTM INJ SUI SEI TIA PEPE BONK WIF TON RUNE LDO CRV SNX "
    "COMP YFI SUSHI ZEC DASH NEO KSM FLOW EGLD THETA CHZ ENJ BAT ZRX STX IMX RNDR RENDER DYDX GMX LUNA LUNC QNT KAS"
)
_QUOTES = _FX | _STABLE | _words("BTC XBT ETH BNB SOL")
_BARE_COINS = _words("BTC XBT ETH XRP DOGE USDT USDC")
_INDICES = _words(
    "SPX GSPC IXIC NDX DJI DJIA INDU RUT VIX VXN VVIX FTSE DAX GDAXI CAC N225 NIKKEI HSI STOXX50E OEX MID SOX"
)
_FUTURE_ROOTS = _words(
    "ES NQ YM RTY MES MNQ MYM M2K CL QM MCL NG HO RB BZ GC MGC SI SIL HG PL PA ZC ZS ZW ZL ZM KE ZN ZB ZF ZT UB TN SR3 "
    "GE 6E 6J 6B 6A 6C 6S 6N 6M LE HE GF KC SB CC CT OJ VX DX BTC MBT ETH MET FDAX FGBL FESX"
)
# Exchange traded funds by turnover and by use in the literature; a fund that is missing is treated as an equity.
_ETFS = _words(
    "SPY VOO IVV SPLG SPYM VTI ITOT SCHB SCHX RSP SSO UPRO SPXL SPXS SPXU SDS SH SPUU SPXB OEF MGC QQQ QQQM TQQQ SQQQ "
    "QLD PSQ QID ONEQ DIA DDM UDOW SDOW DOG DXD IWM IWN IWO VTWO TNA TZA UWM TWM RWM IJH IJR MDY VB VO VXF SCHA SCHM "
    "IWB IWD IWF IWV VTV VUG SCHV SCHG VONE VONG VONV IVE IVW SPYG SPYV MTUM QUAL USMV VLUE SIZE SPLV SPHB SPHD SPHQ "
    "NOBL VIG VYM SCHD DVY HDV SDY DGRO DGRW COWZ JEPI JEPQ QYLD XYLD RYLD DIVO XLK XLF XLE XLV XLI XLY XLP XLU XLB "
    "XLRE XLC VGT VFH VDE VHT VIS VCR VDC VPU VAW VNQ VOX IYW IYF IYE IYH IYR IYT FTEC FNCL FENY SMH SOXX SOXL SOXS "
    "XSD IGV SKYY CLOU HACK CIBR BOTZ ROBO ARKK ARKG ARKW ARKQ ARKF ARKX FDN KWEB XBI IBB LABU LABD XOP OIH XME XHB "
    "ITB XRT KRE KBE KIE IHI IHF IAI ITA PPA XAR JETS PAVE ICLN TAN QCLN PBW LIT REMX URA URNM COPX PICK MOO WOOD PHO "
    "FAN MSOS MJ YOLO ERX ERY FAS FAZ TECL TECS CURE NUGT DUST JNUG JDST GUSH DRIP EFA VEA IEFA SCHF EEM VWO IEMG "
    "SCHE SPDW SPEM ACWI ACWX VT VEU VXUS IXUS URTH VGK IEUR EZU FEZ HEDJ EWJ DXJ BBJP EWG EWU EWQ EWI EWP EWL EWN "
    "EWD EWK EWO EWC EWA EWZ EWW EWY EWT EWH EWS EWM EIDO THD TUR EZA ECH EPU ARGT INDA EPI SMIN PIN FXI MCHI ASHR "
    "GXC CQQQ YINN YANG VNM KSA QAT UAE RSX AIA AAXJ ILF EDC EDZ AGG BND BNDX SCHZ GOVT TLT TLH IEF IEI SHY SHV BIL "
    "SGOV VGSH VGIT VGLT SCHO SCHR EDV ZROZ TMF TMV TBT TBF UBT TIP VTIP SCHP STIP LQD VCIT VCSH VCLT IGSB IGIB USIG "
    "HYG JNK SJNK SHYG USHY ANGL EMB VWOB PCY EMLC MUB VTEB TFI HYD MBB VMBS BKLN SRLN FLOT FLRN MINT JPST ICSH NEAR "
    "PFF PGX CWB TOTL BSV BIV BLV LMBS IGOV BWX GLD IAU GLDM SGOL SLV SIVR PPLT PALL GLTR GDX GDXJ SIL SILJ RING UGL "
    "GLL AGQ ZSL USO BNO UCO SCO UNG BOIL KOLD UGA DBC PDBC GSG COMT DJP DBA DBB DBE DBO CORN WEAT SOYB CANE CPER UUP "
    "UDN FXE FXY FXB FXA FXC FXF CYB VXX VIXY UVXY SVXY VIXM SVOL BITO BITI IBIT FBTC ARKB GBTC BITB ETHA ETHE BITX "
    "AOR AOA AOM AOK RPAR DBMF KMLM CTA MNA BTAL TAIL SWAN PSLDX NTSX PHDG VNQI RWX RWR SCHH REM MORT "
)
