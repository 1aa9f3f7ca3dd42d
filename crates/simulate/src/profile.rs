//! What an account is before anything happens to it: size, price, contract, people.

use crate::env::Env;
use crate::random::Random;

/// How accounts are served; the rule is the one of the segments' definition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Segment {
    /// MRR above 3,500.
    Strategic,
    /// Neither of the others.
    Core,
    /// MRR at most 500 and at most 50 employees.
    Digital,
}

impl Segment {
    /// The segment of an MRR in cents; unknown employees make a small account core.
    pub fn of(mrr: i64, employees: Option<u32>) -> Self {
        match employees {
            _ if mrr > 350_000 => Self::Strategic,
            Some(staff) if mrr <= 50_000 && staff <= 50 => Self::Digital,
            _ => Self::Core,
        }
    }

    /// Position in the tables of constants: strategic, core, digital.
    pub fn index(self) -> usize {
        self as usize
    }

    /// The segment's id.
    pub fn id(self) -> &'static str {
        ["strategic", "core", "digital"][self.index()]
    }
}

/// What the record of the account lacks, on purpose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gap {
    /// Nothing.
    None,
    /// A prospect: no start, no subscription, hardly any event.
    Prospect,
    /// A new customer whose subscription is not entered yet: no MRR.
    NoMrr,
}

/// The fixed facts of an account.
pub struct Profile {
    /// Employees as they really are.
    pub employees: u32,
    /// False when the record does not say.
    pub employees_known: bool,
    /// MRR at the start of the data, in cents.
    pub mrr: i64,
    /// Seats paid for.
    pub seats: u32,
    /// Yearly contract (else monthly).
    pub annual: bool,
    /// First day of the subscription.
    pub started: i32,
    /// What is missing.
    pub gap: Gap,
    /// One of the fixed accounts at a rule's edge, whose MRR never changes.
    pub edge: bool,
    /// Hours that the account's clock is behind UTC.
    pub zone: u8,
    /// Number of a parent account.
    pub parent: Option<u32>,
}

/// MRR in cents, employees, and whether these are known: the edges of the segments' rules, and the two gaps of MRR.
const EDGES: [(i64, u32, bool, Gap); 9] = [
    (350_000, 300, true, Gap::None),
    (350_100, 280, true, Gap::None),
    (50_000, 50, true, Gap::None),
    (40_000, 51, true, Gap::None),
    (40_000, 22, false, Gap::None),
    (50_100, 10, true, Gap::None),
    (0, 12, true, Gap::None),
    (29_900, 18, true, Gap::NoMrr),
    (29_900, 18, true, Gap::Prospect),
];

/// First account (counted from 0) that stands on an edge.
pub const FIRST_EDGE: u32 = 12;

impl Profile {
    /// Draws the facts of account `index`.
    pub fn draw(random: &mut Random, env: &Env, index: u32) -> Self {
        let (mut mrr, mut employees) = size(random);
        let mut employees_known = !random.chance(0.03);
        let mut gap = match random.unit() {
            x if x < 0.004 => Gap::Prospect,
            x if x < 0.008 => Gap::NoMrr,
            _ => Gap::None,
        };
        let edge = index.checked_sub(FIRST_EDGE).and_then(|i| EDGES.get(i as usize));
        if let Some(&(edge_mrr, staff, known, edge_gap)) = edge {
            (mrr, employees, employees_known, gap) = (edge_mrr, staff, known, edge_gap);
        }
        let segment = Segment::of(mrr, Some(employees));
        let annual = random.chance([0.95, 0.80, 0.35][segment.index()]);
        let is_new = random.chance(env.new_share);
        let into = random.range(0, env.end - env.first - 1);
        let before = (-(1.0 - random.unit()).ln() * 700.0).clamp(20.0, 3_000.0) as i32 + 1;
        let started = match gap {
            Gap::NoMrr => env.end - random.range(10, 70).min(env.end - env.first),
            _ if is_new => env.first + into,
            _ => env.first - before,
        };
        let parent = (index > 40 && random.chance(0.02)).then(|| random.below(index) + 1);
        Self {
            employees,
            employees_known,
            mrr,
            seats: ((f64::from(employees) * random.between(0.75, 1.05)) as u32).max(2),
            annual,
            started,
            gap,
            edge: edge.is_some(),
            zone: random.pick(&[5, 5, 5, 6, 6, 7, 8, 8]),
            parent,
        }
    }
}

/// MRR (cents, whole dollars) and employees: some 8 % strategic, 55 % digital, the rest core.
fn size(random: &mut Random) -> (i64, u32) {
    let kind = random.unit();
    if kind < 0.08 {
        let dollars = 3_500.0 + random.lognormal(1_600.0, 0.9).clamp(20.0, 22_000.0);
        (
            dollars as i64 * 100,
            random.lognormal(620.0, 0.6).clamp(120.0, 6_000.0) as u32,
        )
    } else if kind < 0.63 {
        let dollars = random.lognormal(245.0, 0.42).clamp(79.0, 500.0);
        (
            dollars as i64 * 100,
            random.lognormal(17.0, 0.55).clamp(3.0, 50.0) as u32,
        )
    } else if kind < 0.69 {
        let dollars = random.lognormal(380.0, 0.2).clamp(150.0, 500.0);
        (
            dollars as i64 * 100,
            random.lognormal(75.0, 0.25).clamp(51.0, 160.0) as u32,
        )
    } else {
        let dollars = random.lognormal(1_250.0, 0.5).clamp(501.0, 3_500.0);
        (
            dollars as i64 * 100,
            random.lognormal(125.0, 0.6).clamp(12.0, 900.0) as u32,
        )
    }
}
