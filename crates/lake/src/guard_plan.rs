//! What a reader's query may be, judged on its plan: how large it is once everything that it names is written out,
//! which functions it puts over windows, and a limit around every function that can make more than it is given.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    BinaryExpr, Expr, LogicalPlan, Operator, ScalarUDF, WindowFunctionDefinition,
};
use datafusion::optimizer::AnalyzerRule;

use crate::error::{Problem, QueryError};
use crate::growth::{self, Growth};
use crate::guard_functions::{Joined, Limited};
use crate::readers::Stop;

/// Steps of a plan, once every name of WITH and every view is written out.
const MAX_STEPS: u64 = 1_000;
/// Expressions of a plan, counted the same way.
const MAX_EXPRESSIONS: u64 = 50_000;
/// Bytes that all functions of a query together may make of one batch.
const MADE: u64 = 96 << 20;

/// Aggregates that over a window take about the same for every row. The others keep or copy all that they have seen,
/// again for each row.
const OVER: &[&str] = &[
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "covar_pop",
    "covar_samp",
    "first_value",
    "last_value",
    "max",
    "min",
    "nth_value",
    "regr_avgx",
    "regr_avgy",
    "regr_count",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
    "stddev",
    "stddev_pop",
    "sum",
    "var",
    "var_pop",
];

/// Refuses plans that would be too large to be thought through: one name of WITH that is used twice by the next, and
/// so on, doubles thirty times in thirty lines.
pub(crate) fn check_size(plan: &LogicalPlan) -> Result<(), QueryError> {
    let mut known = HashMap::new();
    let Size {
        steps, expressions, ..
    } = size(plan, &mut known);
    if steps <= MAX_STEPS && expressions <= MAX_EXPRESSIONS {
        return Ok(());
    }
    Err(QueryError::new(
        Problem::TooLarge,
        format!(
            "with every name written out the query has {} steps and {} expressions; at most {MAX_STEPS} and \
             {MAX_EXPRESSIONS} are allowed",
            shown(steps),
            shown(expressions)
        ),
        "Use each name of WITH less often, or join fewer tables.",
    ))
}

fn shown(count: u64) -> String {
    if count > 1_000_000 {
        "more than a million".to_owned()
    } else {
        count.to_string()
    }
}

/// What a part of a plan is with every name written out.
#[derive(Clone, Default)]
struct Size {
    steps: u64,
    expressions: u64,
    /// Of each column, the expressions that it is made of: a filter on it is moved down and repeats them.
    columns: Vec<u64>,
}

/// Parts that are used more than once are one plan in memory, and measured once.
type Sizes = HashMap<*const LogicalPlan, Size>;

fn size(plan: &LogicalPlan, known: &mut Sizes) -> Size {
    if let Some(found) = known.get(&std::ptr::from_ref(plan)) {
        return found.clone();
    }
    let width = plan.schema().fields().len();
    let mut all = Size {
        steps: 1,
        expressions: width as u64 / 8,
        columns: Vec::new(),
    };
    let inputs: Vec<(&LogicalPlan, Size)> = plan
        .inputs()
        .into_iter()
        .map(|input| (input, size(input, known)))
        .collect();
    let mut add = |steps: u64, expressions: u64| {
        all.steps = all.steps.saturating_add(steps);
        all.expressions = all.expressions.saturating_add(expressions);
    };
    for (_, input) in &inputs {
        add(input.steps, input.expressions);
    }
    // Neither closure fails.
    let _ = plan.apply_expressions(|expr| {
        add(0, written_out(expr, &[]));
        Ok(TreeNodeRecursion::Continue)
    });
    let _ = plan.apply_subqueries(|inner| {
        let inner = size(inner, known);
        add(inner.steps, inner.expressions);
        Ok(TreeNodeRecursion::Jump)
    });
    all.columns = match plan {
        LogicalPlan::Projection(it) => it.expr.iter().map(|expr| written_out(expr, &inputs)).collect(),
        LogicalPlan::Aggregate(it) => it
            .group_expr
            .iter()
            .map(|expr| written_out(expr, &inputs))
            .collect(),
        LogicalPlan::Union(_) => (0..width)
            .map(|at| {
                inputs
                    .iter()
                    .filter_map(|(_, size)| size.columns.get(at))
                    .copied()
                    .max()
                    .unwrap_or(1)
            })
            .collect(),
        LogicalPlan::TableScan(_) => Vec::new(),
        _ => inputs
            .iter()
            .flat_map(|(_, size)| size.columns.iter().copied())
            .collect(),
    };
    all.columns.resize(width, 1);
    let most = all.columns.iter().copied().max().unwrap_or(1);
    all.expressions = all.expressions.max(most);
    known.insert(std::ptr::from_ref(plan), all.clone());
    all
}

fn written_out(expr: &Expr, inputs: &[(&LogicalPlan, Size)]) -> u64 {
    let mut sum = 0u64;
    let _ = expr.apply(|expr| {
        let of_column = |column| {
            inputs.iter().find_map(|(plan, size)| {
                let at = plan.schema().maybe_index_of_column(column)?;
                size.columns.get(at).copied()
            })
        };
        sum = sum.saturating_add(match expr {
            Expr::Column(column) => of_column(column).unwrap_or(1),
            _ => 1,
        });
        Ok(TreeNodeRecursion::Continue)
    });
    sum
}

/// Refuses what cannot be held within limits, and puts limits around the rest.
#[derive(Debug)]
pub(crate) struct Limits {
    pub(crate) stop: Stop,
    joined: Arc<ScalarUDF>,
}

impl Limits {
    pub(crate) fn new(stop: Stop) -> Self {
        Self {
            stop,
            joined: Arc::new(Joined::function()),
        }
    }

    fn limited(&self, expr: Expr, most: u64) -> Transformed<Expr> {
        match expr {
            Expr::ScalarFunction(call) if !call.func.inner().is::<Limited>() => {
                let Some(growth) = growth_of(&call) else {
                    return Transformed::no(Expr::ScalarFunction(call));
                };
                let func = Limited::wrap(call.func, growth, most, self.stop.clone());
                Transformed::yes(Expr::ScalarFunction(ScalarFunction::new_udf(
                    Arc::new(func),
                    call.args,
                )))
            }
            Expr::BinaryExpr(BinaryExpr {
                left,
                op: Operator::StringConcat,
                right,
            }) => {
                let func = Limited::wrap(self.joined.clone(), Growth::Sum, most, self.stop.clone());
                let args = vec![*left, *right];
                Transformed::yes(Expr::ScalarFunction(ScalarFunction::new_udf(
                    Arc::new(func),
                    args,
                )))
            }
            other => Transformed::no(other),
        }
    }
}

/// Patterns that are written out stay with the engine, which plans them better.
fn growth_of(call: &ScalarFunction) -> Option<Growth> {
    let growth = growth::of(call.func.name())?;
    let written = growth == Growth::Compile && call.args.get(1).is_none_or(is_written);
    (!written).then_some(growth)
}

fn is_written(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(..) => true,
        Expr::Cast(cast) => is_written(&cast.expr),
        _ => false,
    }
}

fn check(expr: &Expr) -> Result<(), QueryError> {
    match expr {
        Expr::WindowFunction(call) => {
            let WindowFunctionDefinition::AggregateUDF(function) = &call.fun else {
                return Ok(());
            };
            let name = function.name();
            if OVER.contains(&name) && !call.params.distinct {
                return Ok(());
            }
            let shown = if call.params.distinct {
                format!("{name}(DISTINCT …)")
            } else {
                name.to_owned()
            };
            Err(QueryError::new(
                Problem::Forbidden,
                format!("{shown} cannot stand before OVER: it would begin anew for every row"),
                "Compute it with GROUP BY in a query of its own and join that, or use count, sum, avg, min, max or a \
                 ranking over the window.",
            ))
        }
        Expr::HigherOrderFunction(call) => Err(QueryError::new(
            Problem::Forbidden,
            format!("{} with a function as argument is not allowed", call.name()),
            "Compute it on rows instead of lists.",
        )),
        Expr::BinaryExpr(BinaryExpr { op, right, .. }) => pattern(&op.to_string(), is_regex(*op), right),
        Expr::SimilarTo(like) => pattern("SIMILAR TO", true, &like.pattern),
        _ => Ok(()),
    }
}

fn is_regex(op: Operator) -> bool {
    matches!(
        op,
        Operator::RegexMatch | Operator::RegexIMatch | Operator::RegexNotMatch | Operator::RegexNotIMatch
    )
}

fn pattern(sign: &str, is_pattern: bool, pattern: &Expr) -> Result<(), QueryError> {
    if !is_pattern || is_written(pattern) {
        return Ok(());
    }
    Err(QueryError::new(
        Problem::Forbidden,
        format!("the pattern after {sign} must be written out, not computed"),
        "Write it in quotes, or use regexp_like(text, pattern).",
    ))
}

impl AnalyzerRule for Limits {
    fn name(&self) -> &str {
        "limits_of_readers"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        let mut growing = 0u64;
        plan.apply_with_subqueries(|node| {
            node.apply_expressions(|expr| {
                expr.apply(|expr| {
                    check(expr)?;
                    growing += match expr {
                        Expr::ScalarFunction(call) => {
                            u64::from(growth_of(call).is_some_and(|g| !g.is_work()))
                        }
                        Expr::BinaryExpr(expr) => u64::from(expr.op == Operator::StringConcat),
                        _ => 0,
                    };
                    Ok(TreeNodeRecursion::Continue)
                })
            })
        })?;
        // What several functions make of one batch is there at the same time.
        let most = MADE / growing.max(1);
        let done = plan.transform_up_with_subqueries(|node| {
            let node = node.map_expressions(|expr| expr.transform_up(|expr| Ok(self.limited(expr, most))))?;
            node.map_data(LogicalPlan::recompute_schema)
        })?;
        Ok(done.data)
    }
}
