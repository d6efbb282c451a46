//! The closed sets of the engine and the text of their codes. Order of variants is part of the interface: codes index the tables.

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident, $table:ident, $($variant:ident = $text:literal),+ $(,)?) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $name { $($variant),+ }
        pub const $table: &[&str] = &[$($text),+];
        impl $name {
            const ALL: &'static [$name] = &[$($name::$variant),+];
            pub fn parse(text: &str) -> Option<Self> {
                $table.iter().position(|t| *t == text).map(|i| Self::ALL[i])
            }
            pub fn from_code(code: i64) -> Option<Self> {
                usize::try_from(code).ok().and_then(|i| Self::ALL.get(i).copied())
            }
            pub fn text(self) -> &'static str {
                $table[self as usize]
            }
        }
    };
}

codes!(Kind, KINDS, Market = "market", Limit = "limit", Stop = "stop", StopLimit = "stop_limit", Trail = "trail", Open = "open", Close = "close");
codes!(Tif, TIFS, Gtc = "gtc", Day = "day", Gtd = "gtd", Ioc = "ioc", Fok = "fok");
codes!(Status, STATUSES, Pending = "pending", Filled = "filled", Cancelled = "cancelled", Expired = "expired", Refused = "refused");
codes!(
    Reason,
    REASONS,
    None = "",
    Signal = "signal",
    Order = "order",
    Weights = "weights",
    Stop = "stop",
    Target = "target",
    Trail = "trail",
    End = "end",
    Open = "open",
    Expired = "expired",
    Ioc = "ioc",
    Fok = "fok",
    Replaced = "replaced",
    Oco = "oco",
    PositionClosed = "position_closed",
    Split = "split",
    Zero = "zero",
    WithinBuffer = "within_buffer",
    BelowLot = "below_lot",
    Unfilled = "unfilled",
    Price = "price",
    Halt = "halt",
    Cooldown = "cooldown",
    Short = "short",
    MaxPosition = "max_position",
    MaxGross = "max_gross",
    Cash = "cash",
    Margin = "margin",
    MinNotional = "min_notional",
    Volume = "volume",
    DailyLoss = "daily_loss",
    Drawdown = "drawdown",
    MarginCall = "margin_call",
    Bankrupt = "bankrupt",
    Cancelled = "cancelled",
    Delisted = "delisted",
    SpinOff = "spin_off",
    Merger = "merger",
    Dividend = "dividend",
);
codes!(FillRule, FILL_RULES, NextOpen = "next_open", SameClose = "same_close", NextClose = "next_close");
codes!(Intrabar, INTRABARS, Pessimistic = "pessimistic", Expected = "expected", Optimistic = "optimistic");
codes!(TrailUpdate, TRAIL_UPDATES, Path = "path", Bar = "bar");
codes!(SizeMode, SIZE_MODES, Fraction = "fraction", Quantity = "quantity", Value = "value", Risk = "risk");
codes!(SizeBasis, SIZE_BASES, Fill = "fill", Decision = "decision");
codes!(OnShortCash, ON_SHORT_CASH, Resize = "resize", Refuse = "refuse");
codes!(OnHalt, ON_HALTS, Block = "block", Flatten = "flatten", FlattenAtDrawdown = "flatten_at_drawdown");
codes!(
    Slip,
    SLIP_MODELS,
    None = "none",
    Fixed = "fixed",
    Rate = "rate",
    VolumeShare = "volume_share",
    SquareRoot = "square_root",
    AlmgrenChriss = "almgren_chriss",
);
codes!(
    /// How the distance of a protective order is given.
    Offset, OFFSETS, Fraction = "fraction", Amount = "amount", Atr = "atr", Price = "price"
);
codes!(
    /// What happens to an instrument that is no trade.
    ActionKind, ACTION_KINDS, Split = "split", Dividend = "dividend", Delisting = "delisting", SpinOff = "spin_off", Merger = "merger"
);

impl ActionKind {
    /// Place among the actions of one bar.
    pub fn rank(self) -> u8 {
        match self {
            ActionKind::Split => 0,
            ActionKind::Dividend => 1,
            ActionKind::SpinOff => 2,
            ActionKind::Merger => 3,
            ActionKind::Delisting => 4,
        }
    }
}

codes!(
    /// What moved cash besides fills.
    FlowKind, FLOW_KINDS, Borrow = "borrow", Funding = "funding", Interest = "interest", CashInLieu = "cash_in_lieu", Dividend = "dividend",
    SpinOff = "spin_off", Merger = "merger"
);

/// When in a bar a fill happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    Open = 0,
    Inside = 1,
    Close = 2,
}

/// "No opinion" in a signal array.
pub const HOLD: i8 = -128;

/// Distances of the protective orders that an entry carries; 0 means none, NaN one that cannot be placed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Protection {
    pub stop: f64,
    pub stop_kind: Offset,
    pub target: f64,
    pub target_kind: Offset,
    pub trail: f64,
    pub trail_kind: Offset,
}

impl Protection {
    pub const NONE: Protection =
        Protection { stop: 0.0, stop_kind: Offset::Fraction, target: 0.0, target_kind: Offset::Fraction, trail: 0.0, trail_kind: Offset::Fraction };

    /// Multiples of ATR become amounts, at the ATR of the decision.
    pub fn with_atr(mut self, atr: f64) -> Protection {
        for (x, kind) in [(&mut self.stop, &mut self.stop_kind), (&mut self.target, &mut self.target_kind), (&mut self.trail, &mut self.trail_kind)] {
            if *kind == Offset::Atr && *x > 0.0 {
                *x *= atr;
                *kind = Offset::Amount;
            }
        }
        self
    }

    #[inline]
    pub fn any(&self) -> bool {
        !(self.stop <= 0.0 && self.target <= 0.0 && self.trail <= 0.0)
    }
}
