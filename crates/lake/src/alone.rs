//! Whether a query treats each account by itself: whether its rows about some accounts are the same when there are no others. Then a figure
//! of one person's accounts need not be worked out from everybody's.
//!
//! The answer is read off the optimised plan. A relation is *keyed* when each of its rows is of one account and follows from that account's
//! rows, and *common* when nothing in it is of an account (`periods`). What keeps that is allowed: conditions, projections, groups and
//! windows by account, joins on the account, joins with common relations that drop no row for want of an account. Everything else, a
//! `LIMIT`, an average over all, makes the answer “no”, which is always safe.

use std::collections::BTreeSet;

use datafusion::common::{Column, DFSchema};
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{Aggregate, Distinct, Expr, Join, JoinType, LogicalPlan, Union, Window};

use crate::context::Context;
use crate::error::QueryError;

/// How rows of a relation belong to accounts.
enum Rows {
    /// They belong to none.
    Common,
    /// Each is of the account that these columns hold, all of them the same.
    Keyed(BTreeSet<usize>),
    /// As a full join leaves them: each is of the account that a column of the one or one of the other side holds, or both the same.
    Halves(BTreeSet<usize>, BTreeSet<usize>),
}

impl Context {
    /// Whether the rows of a query about some accounts are the same when its tables hold no others. `key` is the column that tells the
    /// account, in the tables and in the answer.
    ///
    /// # Errors
    /// When the query cannot be planned.
    pub async fn treats_each_alone(&self, sql: &str, key: &str) -> Result<bool, QueryError> {
        let frame = self.plan(sql).await?;
        let plan = frame
            .into_optimized_plan()
            .map_err(|error| QueryError::from_engine(&error, sql))?;
        let place = plan
            .schema()
            .fields()
            .iter()
            .position(|field| field.name() == key);
        Ok(match (rows(&plan, key), place) {
            (Some(Rows::Keyed(columns)), Some(place)) => columns.contains(&place),
            _ => false,
        })
    }
}

/// `None` = rows of one account may depend on others.
fn rows(plan: &LogicalPlan, key: &str) -> Option<Rows> {
    if plan.expressions().iter().any(holds_subquery) {
        return None;
    }
    match plan {
        LogicalPlan::TableScan(scan) => {
            let tells = |field: &str| field == key;
            if scan.fetch.is_some() {
                return None;
            }
            if !scan
                .source
                .schema()
                .fields()
                .iter()
                .any(|field| tells(field.name()))
            {
                return Some(Rows::Common);
            }
            Some(Rows::Keyed(places(&scan.projected_schema, |field| tells(field))))
        }
        LogicalPlan::EmptyRelation(_) | LogicalPlan::Values(_) => Some(Rows::Common),
        LogicalPlan::Filter(it) => rows(&it.input, key),
        LogicalPlan::SubqueryAlias(it) => rows(&it.input, key),
        LogicalPlan::Repartition(it) => rows(&it.input, key),
        LogicalPlan::Sort(it) => rows(&it.input, key).filter(|_| it.fetch.is_none()),
        LogicalPlan::Projection(it) => Some(match rows(&it.input, key)? {
            Rows::Common => Rows::Common,
            Rows::Keyed(columns) => Rows::Keyed(kept(&it.expr, it.input.schema(), &columns)),
            Rows::Halves(one, other) => {
                let whole = joined(&it.expr, it.input.schema(), &one, &other);
                if whole.is_empty() {
                    let half = |columns| kept(&it.expr, it.input.schema(), columns);
                    Rows::Halves(half(&one), half(&other))
                } else {
                    Rows::Keyed(whole)
                }
            }
        }),
        LogicalPlan::Aggregate(it) => aggregate(it, key),
        LogicalPlan::Window(it) => window(it, key),
        LogicalPlan::Join(it) => join(it, key),
        LogicalPlan::Union(it) => union(it, key),
        LogicalPlan::Distinct(Distinct::All(input)) => match rows(input, key)? {
            Rows::Common => Some(Rows::Common),
            Rows::Keyed(columns) => (!columns.is_empty()).then_some(Rows::Keyed(columns)),
            Rows::Halves(..) => None,
        },
        // Rows that are counted off, that come from elsewhere, or that this does not know.
        _ => None,
    }
}

fn holds_subquery(expr: &Expr) -> bool {
    let inside = |expr: &Expr| {
        matches!(
            expr,
            Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_) | Expr::SetComparison(_)
        )
    };
    use datafusion::common::tree_node::TreeNode;
    // A fault while looking counts as one.
    expr.exists(|expr| Ok(inside(expr))).unwrap_or(true)
}

fn places(schema: &DFSchema, tells: impl Fn(&str) -> bool) -> BTreeSet<usize> {
    let named = schema.fields().iter().enumerate();
    named
        .filter(|(_, field)| tells(field.name()))
        .map(|(at, _)| at)
        .collect()
}

/// The place of the column that an expression is, under whatever name.
fn column(expr: &Expr, schema: &DFSchema) -> Option<usize> {
    match expr {
        Expr::Alias(it) => column(&it.expr, schema),
        Expr::Column(it) => place(it, schema),
        _ => None,
    }
}

fn place(it: &Column, schema: &DFSchema) -> Option<usize> {
    schema.maybe_index_of_column(it)
}

/// Which of some expressions are keys of their input.
fn kept(exprs: &[Expr], input: &DFSchema, columns: &BTreeSet<usize>) -> BTreeSet<usize> {
    let is_key = |expr: &Expr| column(expr, input).is_some_and(|at| columns.contains(&at));
    let all = exprs.iter().enumerate();
    all.filter(|(_, expr)| is_key(expr)).map(|(at, _)| at).collect()
}

/// Which of some expressions are `coalesce` of keys of both halves and of nothing else, whichever way it is written.
fn joined(
    exprs: &[Expr],
    input: &DFSchema,
    one: &BTreeSet<usize>,
    other: &BTreeSet<usize>,
) -> BTreeSet<usize> {
    fn parts(expr: &Expr) -> Vec<&Expr> {
        match expr {
            Expr::Alias(it) => parts(&it.expr),
            Expr::ScalarFunction(it) if it.name() == "coalesce" => it.args.iter().collect(),
            // CASE WHEN a IS NOT NULL THEN a … ELSE b END
            Expr::Case(it) if it.expr.is_none() => {
                let itself = |(when, then): &(Box<Expr>, Box<Expr>)| matches!(when.as_ref(), Expr::IsNotNull(of) if of == then);
                match &it.else_expr {
                    Some(rest) if it.when_then_expr.iter().all(itself) => {
                        let first = it.when_then_expr.iter().map(|(_, then)| then.as_ref());
                        first.chain([rest.as_ref()]).collect()
                    }
                    _ => Vec::new(),
                }
            }
            _ => Vec::new(),
        }
    }
    let is_key = |expr: &Expr| {
        let places: Option<Vec<usize>> = parts(expr).into_iter().map(|part| column(part, input)).collect();
        places.is_some_and(|places| {
            places.iter().any(|at| one.contains(at))
                && places.iter().any(|at| other.contains(at))
                && places.iter().all(|at| one.contains(at) || other.contains(at))
        })
    };
    let all = exprs.iter().enumerate();
    all.filter(|(_, expr)| is_key(expr)).map(|(at, _)| at).collect()
}

fn aggregate(it: &Aggregate, key: &str) -> Option<Rows> {
    let columns = match rows(&it.input, key)? {
        Rows::Common => return Some(Rows::Common),
        Rows::Keyed(columns) => columns,
        Rows::Halves(..) => return None,
    };
    if it
        .group_expr
        .iter()
        .any(|expr| matches!(expr, Expr::GroupingSet(_)))
    {
        return None;
    }
    let groups = kept(&it.group_expr, it.input.schema(), &columns);
    (!groups.is_empty()).then_some(Rows::Keyed(groups))
}

fn window(it: &Window, key: &str) -> Option<Rows> {
    let columns = match rows(&it.input, key)? {
        Rows::Common => return Some(Rows::Common),
        Rows::Keyed(columns) => columns,
        Rows::Halves(..) => return None,
    };
    fn function(expr: &Expr) -> Option<&WindowFunction> {
        match expr {
            Expr::Alias(it) => function(&it.expr),
            Expr::WindowFunction(it) => Some(it),
            _ => None,
        }
    }
    let by_account = |expr: &Expr| {
        let by = function(expr).map(|it| it.params.partition_by.as_slice());
        by.is_some_and(|by| !kept(by, it.input.schema(), &columns).is_empty())
    };
    it.window_expr
        .iter()
        .all(by_account)
        .then_some(Rows::Keyed(columns))
}

fn join(it: &Join, key: &str) -> Option<Rows> {
    use JoinType::{Full, Inner, Left, LeftAnti, LeftMark, LeftSemi, Right, RightAnti, RightMark, RightSemi};
    let (left, right) = (rows(&it.left, key)?, rows(&it.right, key)?);
    let width = it.left.schema().fields().len();
    let moved = |columns: BTreeSet<usize>| columns.into_iter().map(|at| at + width).collect();
    Some(match (left, right) {
        (Rows::Common, Rows::Common) => Rows::Common,
        (Rows::Keyed(left), Rows::Keyed(right)) => {
            let same_account = it.on.iter().any(|(one, other)| {
                column(one, it.left.schema()).is_some_and(|at| left.contains(&at))
                    && column(other, it.right.schema()).is_some_and(|at| right.contains(&at))
            });
            if !same_account {
                return None;
            }
            if it.join_type == Full {
                return Some(Rows::Halves(left, moved(right)));
            }
            Rows::Keyed(match it.join_type {
                Inner => {
                    let mut all: BTreeSet<usize> = moved(right);
                    all.extend(left);
                    all
                }
                Left | LeftSemi | LeftAnti | LeftMark => left,
                Right => moved(right),
                RightSemi | RightAnti | RightMark => right,
                Full => return None,
            })
        }
        // A common row may not be left out, nor stay alone, because of accounts.
        (Rows::Keyed(left), Rows::Common) => match it.join_type {
            Inner | Left | LeftSemi | LeftAnti | LeftMark => Rows::Keyed(left),
            _ => return None,
        },
        (Rows::Common, Rows::Keyed(right)) => match it.join_type {
            Inner | Right => Rows::Keyed(moved(right)),
            RightSemi | RightAnti | RightMark => Rows::Keyed(right),
            _ => return None,
        },
        (Rows::Halves(..), _) | (_, Rows::Halves(..)) => return None,
    })
}

fn union(it: &Union, key: &str) -> Option<Rows> {
    let all: Vec<Rows> = it
        .inputs
        .iter()
        .map(|input| rows(input, key))
        .collect::<Option<_>>()?;
    let mut shared: Option<BTreeSet<usize>> = None;
    let mut common = 0;
    for rows in &all {
        match rows {
            Rows::Common => common += 1,
            Rows::Halves(..) => return None,
            Rows::Keyed(columns) => {
                shared = Some(match shared {
                    None => columns.clone(),
                    Some(before) => before.intersection(columns).copied().collect(),
                });
            }
        }
    }
    match shared {
        None => Some(Rows::Common),
        Some(columns) => (common == 0).then_some(Rows::Keyed(columns)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch};

    use crate::session::{Lake, Options};
    use crate::snapshot::Snapshot;

    #[tokio::test]
    async fn what_looks_at_other_accounts_is_told_from_what_does_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let lake = Lake::open(folder.path(), Options::default()).expect("a lake");
        let context = lake.context(&Snapshot::default());
        let numbers = |values: &[i64]| -> ArrayRef { Arc::new(Int64Array::from(values.to_vec())) };
        let add = |name: &str, columns: Vec<(&str, ArrayRef)>| {
            let batch = RecordBatch::try_from_iter(columns).expect("a batch");
            context
                .add_table(name, batch.schema(), vec![batch])
                .expect("a table");
        };
        let x: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 2.0, 3.0]));
        add(
            "a",
            vec![
                ("account_no", numbers(&[1, 2, 3])),
                ("x", x.clone()),
                ("up", numbers(&[2, 3, 1])),
            ],
        );
        add("b", vec![("account_no", numbers(&[1, 2, 2])), ("y", x)]);
        add("p", vec![("period", numbers(&[1, 2]))]);
        let one = "SELECT p.period, a.account_no, a.x FROM a CROSS JOIN p";
        let alone = [
            "SELECT account_no, x FROM a WHERE x > 1 ORDER BY x",
            one,
            "SELECT account_no AS account_no, sum(y) AS y FROM b GROUP BY account_no",
            "SELECT a.account_no, coalesce(sum(b.y), 0) AS y FROM a LEFT JOIN b ON b.account_no = a.account_no GROUP BY a.account_no",
            "SELECT b.account_no, y FROM a JOIN b ON b.account_no = a.account_no AND b.y > a.x",
            "SELECT account_no, x FROM a WHERE account_no IN (SELECT account_no FROM b WHERE y > 1)",
            "SELECT account_no, x FROM a WHERE NOT EXISTS (SELECT 1 FROM b WHERE b.account_no = a.account_no)",
            "SELECT account_no, x FROM a WHERE x < (SELECT max(y) FROM b WHERE b.account_no = a.account_no)",
            "SELECT account_no, x FROM a UNION ALL SELECT account_no, y FROM b",
            "SELECT DISTINCT account_no, y FROM b",
            "SELECT account_no, y, row_number() OVER (PARTITION BY account_no ORDER BY y) AS n FROM b",
            "SELECT coalesce(a.account_no, b.account_no) AS account_no, y FROM a FULL JOIN b ON a.account_no = b.account_no",
            "SELECT t.account_no, t.x FROM (SELECT coalesce(b.account_no, a.account_no) AS account_no, x FROM a FULL JOIN b USING (account_no)) AS t",
            "WITH t AS (SELECT account_no, count(*) AS n FROM b GROUP BY account_no, y) SELECT t.account_no, n FROM t JOIN a USING (account_no)",
        ];
        for sql in alone {
            assert!(
                context.treats_each_alone(sql, "account_no").await.expect(sql),
                "{sql}"
            );
        }
        let together = [
            "SELECT account_no, x FROM a ORDER BY x LIMIT 1",
            "SELECT max(account_no) AS account_no, sum(x) AS x FROM a",
            "SELECT account_no, x / (SELECT sum(x) FROM a) AS x FROM a",
            "SELECT account_no, x FROM a WHERE x > (SELECT avg(y) FROM b)",
            "SELECT account_no, rank() OVER (ORDER BY x) AS x FROM a",
            "SELECT a.account_no, b.y FROM a JOIN b ON b.account_no = a.up",
            "SELECT a.up AS account_no, a.x FROM a",
            "SELECT a.account_no, b.y FROM a CROSS JOIN b",
            "SELECT p.period, a.account_no FROM p LEFT JOIN a ON a.x = p.period",
            "SELECT period AS account_no FROM p",
            "SELECT a.account_no, t.n FROM a CROSS JOIN (SELECT count(*) AS n FROM b) AS t",
            "SELECT account_no + 1 AS account_no, x FROM a",
            "SELECT account_no, x FROM a UNION ALL SELECT period, 1.0 FROM p",
            "SELECT a.account_no, b.y FROM a FULL JOIN b ON a.account_no = b.account_no",
            "SELECT coalesce(a.account_no, a.up, b.account_no) AS account_no FROM a FULL JOIN b ON a.account_no = b.account_no",
            "SELECT coalesce(a.account_no, b.account_no) AS account_no FROM a FULL JOIN b ON a.up = b.account_no",
            "SELECT CASE WHEN a.x IS NOT NULL THEN a.account_no ELSE b.account_no END AS account_no FROM a FULL JOIN b ON a.account_no = b.account_no",
        ];
        for sql in together {
            assert!(
                !context.treats_each_alone(sql, "account_no").await.expect(sql),
                "{sql}"
            );
        }
    }
}
