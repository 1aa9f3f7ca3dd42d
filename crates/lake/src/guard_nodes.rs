//! Operators put into the plans of readers' queries where the engine's own take memory without counting it.
//!
//! - Before an operator that computes: batches are cut so that all of its expressions together stay small.
//! - Before a join: rows that would be copied thousands of times must not be long.
//! - Before a sort or a join: a piece of a larger batch gets memory of its own, because what keeps it would count the
//!   whole for each piece.
//! - Before a window that keeps what it has seen: that is counted against the query's memory.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch, RecordBatchOptions, UInt64Array};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, internal_err};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{Column, InListExpr, Literal};
use datafusion::physical_expr::window::StandardWindowExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::coop::make_cooperative;
use datafusion::physical_plan::execution_plan::SchedulingType;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::unnest::UnnestExec;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec};
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, InputOrderMode, PlanProperties,
    ReplaceChildrenOptions,
};
use futures::{Stream, StreamExt};

use crate::error::{Problem, QueryError};
use crate::growth::widths;
use crate::readers::Stop;

/// Bytes that one operator's expressions may make of one batch.
const STEP: u64 = 32 << 20;
/// Bytes of a row that a join may copy.
const COPIED: u64 = 64 << 10;
/// Joins that copy rows.
const JOINS: [&str; 6] = [
    "CrossJoinExec",
    "HashJoinExec",
    "NestedLoopJoinExec",
    "PiecewiseMergeJoinExec",
    "SortMergeJoinExec",
    "SymmetricHashJoinExec",
];

/// Operators that make many rows of few.
const MULTIPLY: [&str; 8] = [
    "CrossJoinExec",
    "HashJoinExec",
    "NestedLoopJoinExec",
    "PiecewiseMergeJoinExec",
    "RecursiveQueryExec",
    "SortMergeJoinExec",
    "SymmetricHashJoinExec",
    "UnnestExec",
];

/// Puts the operators in.
#[derive(Debug)]
pub(crate) struct CountedPlans {
    pub(crate) stop: Stop,
}

impl PhysicalOptimizerRule for CountedPlans {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let over = |child, care| Careful::over(child, care, self.stop.clone());
            let mut done = Transformed::no(node);
            if let Some(care) = care_of(done.data.as_ref())? {
                let children = done.data.children().into_iter().cloned();
                let children = children.map(|child| over(child, care.clone())).collect();
                let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
                done = Transformed::yes(done.data.replace_children(children, options)?);
            }
            // What makes many rows of few must stop when nobody waits for them.
            if MULTIPLY.contains(&done.data.name()) {
                done = Transformed::yes(over(done.data, Care::Cut { times: 0, fixed: 0 }));
            }
            Ok(done)
        })
        .data()
    }

    fn name(&self) -> &str {
        "counted_plans"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Care {
    /// Batches are cut: for each row `fixed` bytes are made, and what it has is made `times` times.
    Cut { times: u64, fixed: u64 },
    /// No row may be longer than [`COPIED`], lists not counted if they are taken apart.
    Short { lists: bool },
    /// Each batch has its memory for itself.
    Own,
    /// What passes is counted this many times, until the end.
    Counted { times: usize },
}

fn care_of(node: &dyn ExecutionPlan) -> Result<Option<Care>> {
    let (times, fixed) = made_by(node)?;
    if let Some(window) = node.downcast_ref::<WindowAggExec>() {
        // What was kept, once more as one batch, and what is computed.
        let made = window.window_expr().len() / window.schema().fields().len().max(1);
        return Ok(Some(Care::Counted { times: 2 + made }));
    }
    if let Some(window) = node.downcast_ref::<BoundedWindowAggExec>() {
        let keeps = window.input_order_mode != InputOrderMode::Sorted
            || window.window_expr().iter().any(|expr| {
                let ranks = expr.as_any().is::<StandardWindowExpr>();
                !ranks && expr.get_window_frame().start_bound.is_unbounded()
            });
        return Ok(keeps.then_some(Care::Counted { times: 2 }));
    }
    if node.is::<UnnestExec>() {
        return Ok(Some(Care::Short { lists: false }));
    }
    if JOINS.contains(&node.name()) {
        if fixed > COPIED {
            return Err(long_row(fixed).into());
        }
        return Ok(Some(Care::Short { lists: true }));
    }
    if node.is::<SortExec>() {
        return Ok(Some(Care::Own));
    }
    let one = node.children().len() == 1;
    Ok((one && times + fixed > 0).then_some(Care::Cut { times, fixed }))
}

/// How many expressions the operator computes, and the bytes of what it writes out for each row.
fn made_by(node: &dyn ExecutionPlan) -> Result<(u64, u64)> {
    let (mut times, mut fixed) = (0u64, 0u64);
    let mut roots: Vec<Arc<dyn PhysicalExpr>> = Vec::new();
    node.apply_expressions(&mut |root| {
        roots.push(Arc::clone(root));
        Ok(TreeNodeRecursion::Continue)
    })?;
    while let Some(expr) = roots.pop() {
        if let Some(literal) = expr.downcast_ref::<Literal>() {
            let size = literal.value().size();
            fixed = fixed.saturating_add(size.saturating_sub(64).try_into().unwrap_or(u64::MAX));
        } else if let Some(list) = expr.downcast_ref::<InListExpr>() {
            times += 1;
            roots.push(Arc::clone(list.expr()));
        } else if !expr.is::<Column>() {
            times += 1;
            if format!("{expr:?}").starts_with("ScalarSubqueryExpr") {
                fixed += COPIED;
            }
            roots.extend(expr.children().into_iter().cloned());
        }
    }
    Ok((times, fixed))
}

fn long_row(bytes: u64) -> QueryError {
    QueryError::new(
        Problem::Memory,
        format!(
            "a row of {} KB would be copied to every row that it is joined with; at most {} KB are allowed",
            bytes / 1_000,
            COPIED / 1_000
        ),
        "Shorten its texts and lists before the join, for example with left(…, 1000), or leave them out.",
    )
}

#[derive(Debug)]
struct Careful {
    input: Arc<dyn ExecutionPlan>,
    care: Care,
    stop: Stop,
    properties: Arc<PlanProperties>,
}

impl Careful {
    fn over(input: Arc<dyn ExecutionPlan>, care: Care, stop: Stop) -> Arc<dyn ExecutionPlan> {
        let properties =
            PlanProperties::clone(input.properties()).with_scheduling_type(SchedulingType::Cooperative);
        Arc::new(Self {
            input,
            care,
            stop,
            properties: Arc::new(properties),
        })
    }
}

impl DisplayAs for Careful {
    fn fmt_as(&self, _: DisplayFormatType, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Careful: {:?}", self.care)
    }
}

impl ExecutionPlan for Careful {
    fn name(&self) -> &str {
        "Careful"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(child) = children.pop() else {
            return internal_err!("a careful operator reads one other");
        };
        Ok(Self::over(child, self.care.clone(), self.stop.clone()))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(
            children,
            ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute),
        )
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let memory = MemoryConsumer::new("kept by a window").register(context.memory_pool());
        let watch = Watch {
            input: self.input.execute(partition, context)?,
            care: self.care.clone(),
            stop: self.stop.clone(),
            rest: VecDeque::new(),
            memory,
        };
        Ok(make_cooperative(Box::pin(watch)))
    }
}

struct Watch {
    input: SendableRecordBatchStream,
    care: Care,
    stop: Stop,
    rest: VecDeque<RecordBatch>,
    memory: MemoryReservation,
}

impl Watch {
    /// The first piece of a batch that was too large; the others wait.
    fn cut(&mut self, batch: RecordBatch, times: u64, fixed: u64) -> RecordBatch {
        let (mut made, mut start) = (0u64, 0);
        for (row, size) in row_widths(&batch, |_| true).into_iter().enumerate() {
            let more = size.saturating_mul(times).saturating_add(fixed);
            if row > start && made.saturating_add(more) > STEP {
                self.rest.push_back(batch.slice(start, row - start));
                (made, start) = (0, row);
            }
            made = made.saturating_add(more);
        }
        self.rest.push_back(batch.slice(start, batch.num_rows() - start));
        self.rest.pop_front().unwrap_or(batch)
    }

    fn pass(&mut self, batch: RecordBatch) -> Result<RecordBatch> {
        match self.care {
            Care::Cut { times, fixed } => {
                let most = most(&batch).saturating_mul(times);
                let all = most.saturating_add(fixed.saturating_mul(batch.num_rows() as u64));
                Ok(if all <= STEP {
                    batch
                } else {
                    self.cut(batch, times, fixed)
                })
            }
            Care::Short { lists } => {
                if most(&batch) > COPIED {
                    let copied = |kind: &DataType| {
                        // Views are copied as references.
                        !matches!(kind, DataType::Utf8View | DataType::BinaryView)
                            && (lists || !kind.is_nested())
                    };
                    let longest = row_widths(&batch, copied).into_iter().max().unwrap_or(0);
                    if longest > COPIED {
                        return Err(long_row(longest).into());
                    }
                }
                own(batch)
            }
            Care::Own => own(batch),
            Care::Counted { times } => {
                let bytes: u64 = row_widths(&batch, |_| true).into_iter().sum();
                let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
                self.memory.try_grow(bytes.saturating_mul(times))?;
                Ok(batch)
            }
        }
    }
}

/// A piece of a larger batch on its own. What keeps batches counts for each piece the whole that it was cut from.
fn own(batch: RecordBatch) -> Result<RecordBatch> {
    const SMALL: u64 = 256 << 10;
    let held = most(&batch);
    if held <= SMALL || held / 4 <= row_widths(&batch, |_| true).into_iter().sum::<u64>() {
        return Ok(batch);
    }
    let rows = UInt64Array::from_iter_values(0..batch.num_rows() as u64);
    let column = |column: &ArrayRef| -> Result<ArrayRef> {
        Ok(match column.data_type() {
            DataType::Utf8View => Arc::new(column.as_string_view().gc()),
            DataType::BinaryView => Arc::new(column.as_binary_view().gc()),
            _ => take(column, &rows, None)?,
        })
    };
    let columns = batch.columns().iter().map(column).collect::<Result<_>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        batch.schema(),
        columns,
        &options,
    )?)
}

/// At most so many bytes are in all of the batch's rows.
fn most(batch: &RecordBatch) -> u64 {
    batch.get_array_memory_size() as u64
}

/// Bytes that the rows take, without what else may be in the buffers that they share with others.
pub(crate) fn row_widths(batch: &RecordBatch, counts: impl Fn(&DataType) -> bool) -> Vec<u64> {
    let mut sums = vec![0u64; batch.num_rows()];
    for column in batch.columns().iter().filter(|column| counts(column.data_type())) {
        for (sum, width) in sums.iter_mut().zip(widths(column)) {
            *sum = sum.saturating_add(width);
        }
    }
    sums
}

impl Stream for Watch {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.stop.check()?;
        if let Some(piece) = self.rest.pop_front() {
            return Poll::Ready(Some(Ok(piece)));
        }
        let batch = match ready!(self.input.poll_next_unpin(context)) {
            Some(Ok(batch)) => batch,
            other => return Poll::Ready(other),
        };
        Poll::Ready(Some(self.pass(batch)))
    }
}

impl RecordBatchStream for Watch {
    fn schema(&self) -> SchemaRef {
        self.input.schema()
    }
}
