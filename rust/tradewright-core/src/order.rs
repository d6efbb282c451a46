//! Orders at work: a pool of reused slots, per asset the slots in order of submission.

use crate::types::{Kind, Offset, Protection, Reason, Status, Tif};
use crate::units::Units;

/// How the quantity of an order is found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sizing {
    /// It is given.
    Fixed,
    /// Entry in this direction, sized when it executes, in the size mode of the run.
    Entry { dir: i8, size: f64 },
    /// Fraction of equity to hold.
    Target(f64),
}

#[derive(Clone, Debug)]
pub struct Order {
    pub id: i64,
    pub asset: u32,
    pub kind: Kind,
    pub tif: Tif,
    pub reason: Reason,
    pub sizing: Sizing,
    /// Signed; what was asked for.
    pub qty: Units,
    /// Signed.
    pub filled: Units,
    /// Signed; what is still wanted (cuts lower it without touching `qty`).
    pub rest: Units,
    pub limit: f64,
    pub stop: f64,
    pub trail: f64,
    pub trail_kind: Offset,
    /// Extreme price since the trail became active; NaN before.
    pub ext: f64,
    pub gtd: i64,
    pub session: i64,
    pub bar: i64,
    /// First bar after submission on which the asset has a bar; -1 before.
    pub first: i64,
    pub triggered: bool,
    pub reduce_only: bool,
    pub group: i64,
    pub parent: i64,
    pub protection: Protection,
    /// Sum of the notionals of the fills, for the average price.
    pub paid: Units,
    /// Bar on which it last executed or was left out.
    pub parked: i64,
}

impl Order {
    pub fn market(asset: u32, qty: Units, reason: Reason) -> Order {
        Order {
            id: -1,
            asset,
            kind: Kind::Market,
            tif: Tif::Gtc,
            reason,
            sizing: Sizing::Fixed,
            qty,
            filled: 0,
            rest: qty,
            limit: f64::NAN,
            stop: f64::NAN,
            trail: 0.0,
            trail_kind: Offset::Fraction,
            ext: f64::NAN,
            gtd: i64::MAX,
            session: i64::MIN,
            bar: -1,
            first: -1,
            triggered: false,
            reduce_only: false,
            group: -1,
            parent: -1,
            protection: Protection::NONE,
            paid: 0,
            parked: -1,
        }
    }

    /// Does it rest in the market between phases (as opposed to being due in one)?
    #[inline]
    pub fn resting(&self) -> bool {
        match self.kind {
            Kind::Market | Kind::Open | Kind::Close => false,
            Kind::Limit | Kind::StopLimit => true,
            Kind::Stop | Kind::Trail => !self.triggered,
        }
    }

    /// Made by the engine to protect a fill.
    #[inline]
    pub fn protective(&self) -> bool {
        self.parent >= 0
    }

    /// Level at which a trail stands for a given extreme.
    #[inline]
    pub fn trail_level(&self, ext: f64) -> f64 {
        let sell = self.rest < 0;
        match (self.trail_kind, sell) {
            (Offset::Fraction, true) => ext * (1.0 - self.trail),
            (Offset::Fraction, false) => ext * (1.0 + self.trail),
            (_, true) => ext - self.trail,
            (_, false) => ext + self.trail,
        }
    }

    /// Rank among orders that trigger at one level.
    #[inline]
    pub fn rank(&self) -> u8 {
        match self.kind {
            Kind::StopLimit if !self.triggered => 1,
            Kind::Limit | Kind::StopLimit => 2,
            _ => 0,
        }
    }
}

/// Row of the order list.
#[derive(Clone, Debug)]
pub struct OrderRow {
    pub bar: i64,
    pub asset: u32,
    pub kind: Kind,
    pub tif: Tif,
    pub status: Status,
    pub reason: Reason,
    /// Is the quantity still to be found?
    pub unsized_yet: bool,
    pub qty: Units,
    pub filled: Units,
    pub limit: f64,
    pub stop: f64,
    pub paid: Units,
    pub parent: i64,
    pub group: i64,
}

/// The pool. Slots are reused; ids are not, so a stale `(slot, id)` pair is recognised.
#[derive(Default)]
pub struct Pool {
    pub slots: Vec<Order>,
    free: Vec<u32>,
    pub book: Vec<Vec<u32>>,
    /// Assets with at least one active order, ascending.
    pub live: Vec<u32>,
    pub next_id: i64,
    pub active: usize,
    pub rows: Option<Vec<OrderRow>>,
}

impl Pool {
    pub fn new(n_assets: usize, record: bool) -> Pool {
        Pool { book: vec![Vec::new(); n_assets], rows: record.then(Vec::new), ..Pool::default() }
    }

    pub fn reset(&mut self, n_assets: usize, record: bool) {
        self.slots.clear();
        self.free.clear();
        self.book.iter_mut().for_each(Vec::clear);
        self.book.resize(n_assets, Vec::new());
        self.live.clear();
        self.next_id = 0;
        self.active = 0;
        self.rows = record.then(Vec::new);
    }

    /// Row number without a slot: orders that are refused at once.
    pub fn push_closed(&mut self, order: &mut Order, status: Status, reason: Reason) -> i64 {
        order.id = self.next_id;
        self.next_id += 1;
        if let Some(rows) = &mut self.rows {
            rows.push(row_of(order, status, reason));
        }
        order.id
    }

    #[inline]
    pub fn push(&mut self, mut order: Order) -> (u32, i64) {
        let id = self.next_id;
        order.id = id;
        self.next_id += 1;
        self.active += 1;
        let asset = order.asset;
        if let Some(rows) = &mut self.rows {
            rows.push(row_of(&order, Status::Pending, order.reason));
        }
        let slot = if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = order;
            slot
        } else {
            self.slots.push(order);
            (self.slots.len() - 1) as u32
        };
        let book = &mut self.book[asset as usize];
        if book.is_empty() {
            if let Err(at) = self.live.binary_search(&asset) {
                self.live.insert(at, asset);
            }
        }
        book.push(slot);
        (slot, id)
    }

    /// Take an order out of the market and write its fate into the list.
    #[inline]
    pub fn close(&mut self, slot: u32, status: Status, reason: Reason) {
        let order = &mut self.slots[slot as usize];
        if let Some(rows) = &mut self.rows {
            let shown = if status == Status::Filled { order.reason } else { reason };
            rows[order.id as usize] = row_of(order, status, shown);
        }
        let asset = order.asset;
        order.id = -1;
        self.active -= 1;
        self.free.push(slot);
        let book = &mut self.book[asset as usize];
        if let Some(at) = book.iter().position(|s| *s == slot) {
            book.remove(at);
        }
        if book.is_empty() {
            if let Ok(at) = self.live.binary_search(&asset) {
                self.live.remove(at);
            }
        }
    }

    #[inline]
    pub fn holds(&self, slot: u32, id: i64) -> bool {
        self.slots[slot as usize].id == id
    }

    pub fn find(&self, id: i64) -> Option<u32> {
        self.live.iter().flat_map(|j| self.book[*j as usize].iter()).copied().find(|s| self.slots[*s as usize].id == id)
    }

    /// Bring the rows of orders still at work up to date (before the list is read).
    pub fn sync_rows(&mut self) {
        if let Some(rows) = &mut self.rows {
            for slot in self.live.iter().flat_map(|j| self.book[*j as usize].iter()) {
                let order = &self.slots[*slot as usize];
                rows[order.id as usize] = row_of(order, Status::Pending, order.reason);
            }
        }
    }
}

fn row_of(order: &Order, status: Status, reason: Reason) -> OrderRow {
    OrderRow {
        bar: order.bar,
        asset: order.asset,
        kind: order.kind,
        tif: order.tif,
        status,
        reason,
        unsized_yet: order.sizing != Sizing::Fixed,
        qty: order.qty,
        filled: order.filled,
        limit: order.limit,
        stop: order.stop,
        paid: order.paid,
        parent: order.parent,
        group: order.group,
    }
}
