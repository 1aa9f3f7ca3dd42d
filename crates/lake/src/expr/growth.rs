//! How much longer than its columns a text of an expression can become.
//!
//! Functions of expressions make no more than a few times what they are given, but a replacement within a replacement
//! multiplies: three of them, written in a line, would fill the memory. So the factor is bounded before anything runs.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use crate::error::{Problem, QueryError};

/// How many times as long as the columns that it is made of a text may become.
const MAX_TIMES: u64 = 256;
/// Bytes that it may have besides.
const MAX_BYTES: u64 = 64 << 10;

/// An upper bound of a text's length: so many times its columns', and so many bytes besides.
#[derive(Clone, Copy, Default)]
struct Length {
    times: u64,
    bytes: u64,
}

impl Length {
    fn plus(self, other: Self) -> Self {
        Self {
            times: self.times.saturating_add(other.times),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }

    fn max(self, other: Self) -> Self {
        Self {
            times: self.times.max(other.times),
            bytes: self.bytes.max(other.bytes),
        }
    }

    fn by(self, factor: u64) -> Self {
        Self {
            times: self.times.saturating_mul(factor),
            bytes: self.bytes.saturating_mul(factor),
        }
    }
}

/// Whether some part of it makes texts longer than its columns; an error where one could become far longer.
pub(super) fn check(expr: &Expr) -> Result<bool, QueryError> {
    let mut most = Length::default();
    // The closure does not fail.
    let _ = expr.apply(|part| {
        if is_growing(part) {
            most = most.max(length(part));
        }
        Ok(TreeNodeRecursion::Continue)
    });
    if most.times > MAX_TIMES || most.bytes > MAX_BYTES {
        return Err(QueryError::new(
            Problem::TooLarge,
            format!(
                "a text in it could become more than {MAX_TIMES} times as long as what it is made of, or longer than \
                 {} KB",
                MAX_BYTES >> 10
            ),
            "Replace by shorter words, and put fewer replacements into each other.",
        ));
    }
    Ok(most.times > 0 || most.bytes > 0)
}

fn is_growing(expr: &Expr) -> bool {
    match expr {
        Expr::ScalarFunction(call) => matches!(call.name(), "replace" | "regexp_replace" | "concat"),
        Expr::BinaryExpr(BinaryExpr { op, .. }) => *op == Operator::StringConcat,
        _ => false,
    }
}

fn written(expr: Option<&Expr>) -> u64 {
    match expr {
        Some(Expr::Literal(value, _)) => value.try_as_str().flatten().map_or(0, str::len) as u64,
        Some(Expr::Cast(cast)) => written(Some(&cast.expr)),
        _ => 0,
    }
}

fn length(expr: &Expr) -> Length {
    let bytes = |bytes| Length { times: 0, bytes };
    match expr {
        Expr::Column(_) => Length { times: 1, bytes: 32 },
        Expr::Literal(..) => bytes(written(Some(expr))),
        Expr::ScalarFunction(call) => {
            let first = call.args.first().map(length).unwrap_or_default();
            let (old, new) = (written(call.args.get(1)), written(call.args.get(2)));
            match call.name() {
                "replace" => first.by(new.div_ceil(old.max(1)).max(1)).plus(bytes(new)),
                // It may match between any two letters, and a sign of the replacement may stand for what it found.
                "regexp_replace" => first.by(new.saturating_add(1)).plus(bytes(new)),
                "concat" => call.args.iter().map(length).fold(Length::default(), Length::plus),
                _ => call.args.iter().map(length).fold(Length::default(), Length::max),
            }
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let (left, right) = (length(left), length(right));
            if *op == Operator::StringConcat {
                left.plus(right)
            } else {
                left.max(right)
            }
        }
        other => {
            let mut most = Length::default();
            let _ = other.apply_children(|child| {
                most = most.max(length(child));
                Ok(TreeNodeRecursion::Continue)
            });
            most
        }
    }
}
