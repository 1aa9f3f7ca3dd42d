//! One regression tree on bins, grown best cut first (leaf-wise, as LightGBM).

use serde::{Deserialize, Serialize};

use crate::binning::{Binned, WIDTH};
use crate::histogram::{self, Cell, Cut, Direction, Limits};

/// Most leaves of a tree: the patterns of seven decisions fit a table of 128 (see [`crate::explain`]).
pub const MOST_LEAVES: usize = 8;

/// A decision: bins up to `cut` go left.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// The column.
    pub column: u32,
    /// The last bin on the left.
    pub cut: u8,
    /// Whether missing values go left.
    pub missing_left: bool,
    /// Where left leads: a split, or `!leaf` for a leaf.
    pub left: i8,
    /// Where right leads.
    pub right: i8,
}

impl Split {
    /// Whether a row of this bin goes left; `missing` is the column's bin for missing values.
    pub fn goes_left(&self, bin: u8, missing: u8) -> bool {
        bin <= self.cut || (self.missing_left && bin == missing)
    }
}

/// Where decisions end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Leaf {
    /// What is added to the log-odds.
    pub value: f64,
    /// Training rows that ended here.
    pub cover: f64,
}

/// A tree; split 0 is the root, a tree without splits is its only leaf.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tree {
    /// The decisions.
    pub splits: Vec<Split>,
    /// The ends.
    pub leaves: Vec<Leaf>,
}

impl Tree {
    /// The leaf where decisions lead; `left` tells whether split `at` sends the row left.
    pub fn leaf(&self, left: impl Fn(usize) -> bool) -> usize {
        let mut at: i8 = if self.splits.is_empty() { !0 } else { 0 };
        while let Ok(split) = usize::try_from(at) {
            at = if left(split) {
                self.splits[split].left
            } else {
                self.splits[split].right
            };
        }
        !at as usize
    }

    /// The leaf of a row.
    pub fn leaf_of(&self, binned: &Binned, row: usize) -> usize {
        self.leaf(|at| {
            let split = &self.splits[at];
            let column = split.column as usize;
            split.goes_left(binned.columns[column][row], binned.bins[column])
        })
    }
}

/// How far a tree may grow.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Most leaves.
    pub leaves: usize,
    /// Most decisions in a row.
    pub depth: u32,
    /// Penalty and smallest side.
    pub limits: Limits,
}

/// A leaf that may still be cut.
struct Open {
    rows: Vec<u32>,
    total: Cell,
    bounds: (f64, f64),
    value: f64,
    depth: u32,
    /// The split that leads here and on which side.
    parent: Option<(usize, bool)>,
    cells: Vec<Cell>,
    best: Option<(u32, Cut)>,
}

/// What growing needs to see.
pub struct Ground<'a> {
    /// All rows.
    pub binned: &'a Binned,
    /// First and second derivative per row of `binned`.
    pub derivatives: &'a [[f64; 2]],
    /// Columns that may be used.
    pub columns: &'a [u32],
    /// Per column of `binned`.
    pub directions: &'a [Option<Direction>],
    /// Threads to use.
    pub threads: usize,
}

/// Grows a tree on `rows`; leaf values are multiplied by `rate`. Also gives each leaf's rows.
pub fn grow(ground: &Ground<'_>, rows: Vec<u32>, shape: Shape, rate: f64) -> (Tree, Vec<Vec<u32>>) {
    let leaves = shape.leaves.clamp(1, MOST_LEAVES);
    let total = rows.iter().fold(Cell::default(), |sum, row| {
        let [gradient, hessian] = ground.derivatives[*row as usize];
        sum.plus(Cell {
            gradient,
            hessian,
            rows: 1,
        })
    });
    let free = (f64::NEG_INFINITY, f64::INFINITY);
    let mut root = Open {
        rows,
        total,
        bounds: free,
        value: total.value(shape.limits.l2, free),
        depth: 0,
        parent: None,
        cells: Vec::new(),
        best: None,
    };
    if may_cut(&root, shape) && leaves > 1 {
        root.cells = cells(ground, &root.rows);
        root.best = search(ground, &root, shape.limits);
    }
    let mut open = vec![root];
    let mut splits: Vec<Split> = Vec::new();
    while open.len() < leaves {
        let gain = |leaf: &Open| leaf.best.map_or(0.0, |(_, cut)| cut.gain);
        // The first of equals, so that the tree does not depend on anything but the data.
        let next = (0..open.len()).reduce(|a, b| if gain(&open[b]) > gain(&open[a]) { b } else { a });
        let Some((at, (column, cut))) = next.and_then(|at| open[at].best.map(|best| (at, best))) else {
            break;
        };
        let parent = open.swap_remove(at);
        let split = splits.len();
        splits.push(Split {
            column,
            cut: cut.cut,
            missing_left: cut.missing_left,
            left: 0,
            right: 0,
        });
        link(&mut splits, parent.parent, split as i8);
        let (mut left, mut right) = part(
            ground,
            parent.rows,
            parent.total,
            parent.bounds,
            parent.depth,
            split,
            &splits[split],
            cut,
        );
        if open.len() + 2 < leaves {
            share_cells(ground, &mut left, &mut right, parent.cells, shape);
        }
        open.push(left);
        open.push(right);
    }
    let mut tree = Tree {
        splits,
        leaves: Vec::with_capacity(open.len()),
    };
    let mut members = Vec::with_capacity(open.len());
    for leaf in open {
        link(&mut tree.splits, leaf.parent, !(tree.leaves.len() as i8));
        tree.leaves.push(Leaf {
            value: leaf.value * rate,
            cover: f64::from(leaf.total.rows),
        });
        members.push(leaf.rows);
    }
    (tree, members)
}

fn link(splits: &mut [Split], parent: Option<(usize, bool)>, to: i8) {
    if let Some((at, left)) = parent {
        if left {
            splits[at].left = to;
        } else {
            splits[at].right = to;
        }
    }
}

fn may_cut(leaf: &Open, shape: Shape) -> bool {
    leaf.depth < shape.depth && leaf.total.rows >= 2 * shape.limits.min_rows
}

fn cells(ground: &Ground<'_>, rows: &[u32]) -> Vec<Cell> {
    let derivatives: Vec<[f64; 2]> = rows.iter().map(|row| ground.derivatives[*row as usize]).collect();
    histogram::build(ground.binned, ground.columns, rows, &derivatives, ground.threads)
}

fn search(ground: &Ground<'_>, leaf: &Open, limits: Limits) -> Option<(u32, Cut)> {
    let mut found: Option<(u32, Cut)> = None;
    for (cells, column) in leaf.cells.chunks_exact(WIDTH).zip(ground.columns) {
        let at = *column as usize;
        let cut = histogram::best(
            cells,
            ground.binned.bins[at],
            leaf.total,
            limits,
            leaf.bounds,
            ground.directions[at],
        );
        if let Some(cut) = cut
            && found.is_none_or(|(_, best)| cut.gain > best.gain)
        {
            found = Some((*column, cut));
        }
    }
    found
}

#[expect(
    clippy::too_many_arguments,
    reason = "the parts of a leaf that is taken apart"
)]
fn part(
    ground: &Ground<'_>,
    rows: Vec<u32>,
    total: Cell,
    bounds: (f64, f64),
    depth: u32,
    at: usize,
    split: &Split,
    cut: Cut,
) -> (Open, Open) {
    let column = split.column as usize;
    let (bins, missing) = (&ground.binned.columns[column], ground.binned.bins[column]);
    let (left, right): (Vec<u32>, Vec<u32>) = rows
        .into_iter()
        .partition(|row| split.goes_left(bins[*row as usize], missing));
    // A later cut below must not undo the direction: both sides keep to their half of the range.
    let middle = f64::midpoint(cut.left_value, cut.right_value);
    let (left_bounds, right_bounds) = match ground.directions[column] {
        None => (bounds, bounds),
        Some(_) if cut.cut + 1 == ground.binned.bins[column] => (bounds, bounds),
        Some(Direction::Rising) => ((bounds.0, middle), (middle, bounds.1)),
        Some(Direction::Falling) => ((middle, bounds.1), (bounds.0, middle)),
    };
    let side = |rows, total, bounds, value, left| Open {
        rows,
        total,
        bounds,
        value,
        depth: depth + 1,
        parent: Some((at, left)),
        cells: Vec::new(),
        best: None,
    };
    (
        side(left, cut.left, left_bounds, cut.left_value, true),
        side(right, total.minus(cut.left), right_bounds, cut.right_value, false),
    )
}

/// Sums of the smaller side; the larger one's are what is left of the parent's.
fn share_cells(ground: &Ground<'_>, left: &mut Open, right: &mut Open, mut parent: Vec<Cell>, shape: Shape) {
    let (small, large) = if left.rows.len() <= right.rows.len() {
        (left, right)
    } else {
        (right, left)
    };
    let (small_open, large_open) = (may_cut(small, shape), may_cut(large, shape));
    if !small_open && !large_open {
        return;
    }
    small.cells = cells(ground, &small.rows);
    if large_open {
        for (cell, part) in parent.iter_mut().zip(&small.cells) {
            *cell = cell.minus(*part);
        }
        large.cells = parent;
        large.best = search(ground, large, shape.limits);
    }
    if small_open {
        small.best = search(ground, small, shape.limits);
    }
}
