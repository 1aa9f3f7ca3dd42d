//! `count(DISTINCT <text>)` under `GROUP BY`, in bounded memory.
//!
//! The engine gives every group a hash table of its own, allocated in advance and not counted against the memory
//! limit: with many groups the process dies. Here one table holds each distinct text once, under a number, and one
//! set holds the pairs (group, number). What is held is what is counted, so the memory limit works. Distinct counts
//! that the engine turns into a `GROUP BY` of two levels by itself are left alone; this rule takes the rest.

use std::hash::BuildHasher;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, LargeStringArray, LargeStringBuilder, ListArray,
    StringViewArray,
};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{ExprSchema, Result, ScalarValue, exec_datafusion_err};
use datafusion::logical_expr::expr::{AggregateFunction, AggregateFunctionParams};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, Aggregate, AggregateUDF, AggregateUDFImpl, EmitTo, Expr, ExprSchemable, GroupsAccumulator,
    LogicalPlan, Signature, Volatility,
};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};
use hashbrown::{DefaultHashBuilder, HashSet, HashTable};

/// Replaces `count(DISTINCT text)` of grouped aggregates by [`CountDistinctText`].
#[derive(Debug)]
pub(crate) struct BoundedDistinct {
    function: Arc<AggregateUDF>,
}

impl Default for BoundedDistinct {
    fn default() -> Self {
        let signature = Signature::any(1, Volatility::Immutable);
        Self {
            function: Arc::new(AggregateUDF::new_from_impl(CountDistinctText { signature })),
        }
    }
}

impl BoundedDistinct {
    fn replace(&self, expr: Expr, schema: &dyn ExprSchema) -> Result<Transformed<Expr>> {
        let Expr::AggregateFunction(call) = &expr else {
            return Ok(Transformed::no(expr));
        };
        let params = &call.params;
        let [argument] = params.args.as_slice() else {
            return Ok(Transformed::no(expr));
        };
        if call.func.name() != "count" || !params.distinct || !is_text(&argument.get_type(schema)?) {
            return Ok(Transformed::no(expr));
        }
        let params = AggregateFunctionParams {
            distinct: false,
            ..params.clone()
        };
        let name = expr.schema_name().to_string();
        let call = AggregateFunction {
            func: Arc::clone(&self.function),
            params,
        };
        // The name that the rest of the plan refers to stays.
        Ok(Transformed::yes(Expr::AggregateFunction(call).alias(name)))
    }
}

impl OptimizerRule for BoundedDistinct {
    fn name(&self) -> &str {
        "bounded_distinct"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn supports_rewrite(&self) -> bool {
        true
    }

    fn rewrite(&self, plan: LogicalPlan, _config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Aggregate(aggregate) = plan else {
            return Ok(Transformed::no(plan));
        };
        if aggregate.group_expr.is_empty() {
            return Ok(Transformed::no(LogicalPlan::Aggregate(aggregate)));
        }
        let mut changed = false;
        let mut calls = Vec::with_capacity(aggregate.aggr_expr.len());
        for expr in &aggregate.aggr_expr {
            let done = expr
                .clone()
                .transform_down(|expr| self.replace(expr, aggregate.input.schema().as_ref()))?;
            changed |= done.transformed;
            calls.push(done.data);
        }
        if !changed {
            return Ok(Transformed::no(LogicalPlan::Aggregate(aggregate)));
        }
        let Aggregate {
            input,
            group_expr,
            schema,
            ..
        } = aggregate;
        let plan = Aggregate::try_new_with_schema(input, group_expr, calls, schema)?;
        Ok(Transformed::yes(LogicalPlan::Aggregate(plan)))
    }
}

fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, value) => is_text(value),
        _ => false,
    }
}

/// Number of distinct texts, null not counted.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct CountDistinctText {
    signature: Signature,
}

impl AggregateUDFImpl for CountDistinctText {
    fn name(&self) -> &str {
        "count_distinct_text"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn is_nullable(&self) -> bool {
        false
    }

    fn default_value(&self, _data_type: &DataType) -> Result<ScalarValue> {
        Ok(ScalarValue::Int64(Some(0)))
    }

    fn state_fields(&self, arguments: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let list = DataType::List(item_field());
        Ok(vec![Arc::new(Field::new(
            format!("{}[texts]", arguments.name),
            list,
            false,
        ))])
    }

    fn accumulator(&self, _arguments: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Single(DistinctTexts::default())))
    }

    fn groups_accumulator_supported(&self, _arguments: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(&self, _arguments: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(DistinctTexts::default()))
    }
}

fn item_field() -> FieldRef {
    Arc::new(Field::new_list_field(DataType::LargeUtf8, true))
}

/// Each text once, under a number; numbers are given in order of arrival.
#[derive(Default)]
struct Texts {
    hasher: DefaultHashBuilder,
    table: HashTable<u32>,
    ends: Vec<usize>,
    bytes: Vec<u8>,
}

impl Texts {
    fn get(ends: &[usize], bytes: &[u8], number: u32) -> std::ops::Range<usize> {
        let at = number as usize;
        let range = if at == 0 {
            0..ends[0]
        } else {
            ends[at - 1]..ends[at]
        };
        debug_assert!(range.end <= bytes.len());
        range
    }

    fn number(&mut self, text: &str) -> Result<u32> {
        let Self {
            hasher,
            table,
            ends,
            bytes,
        } = self;
        let hash = hasher.hash_one(text.as_bytes());
        let same = |number: &u32| &bytes[Self::get(ends, bytes, *number)] == text.as_bytes();
        if let Some(number) = table.find(hash, same) {
            return Ok(*number);
        }
        let number =
            u32::try_from(ends.len()).map_err(|_| exec_datafusion_err!("too many distinct texts"))?;
        bytes.extend_from_slice(text.as_bytes());
        ends.push(bytes.len());
        table.insert_unique(hash, number, |n| {
            hasher.hash_one(&bytes[Self::get(ends, bytes, *n)])
        });
        Ok(number)
    }

    fn text(&self, number: u32) -> Result<&str> {
        let bytes = &self.bytes[Self::get(&self.ends, &self.bytes, number)];
        std::str::from_utf8(bytes).map_err(|error| exec_datafusion_err!("{error}"))
    }

    fn size(&self) -> usize {
        self.table.capacity() * 5 + self.ends.capacity() * size_of::<usize>() + self.bytes.capacity()
    }
}

/// Distinct counts of many groups.
#[derive(Default)]
struct DistinctTexts {
    texts: Texts,
    /// `group << 32 | number of the text`.
    pairs: HashSet<u64>,
    counts: Vec<i64>,
}

impl DistinctTexts {
    fn add(&mut self, group: usize, text: &str) -> Result<()> {
        let number = self.texts.number(text)?;
        let high = u32::try_from(group).map_err(|_| exec_datafusion_err!("too many groups"))?;
        if self.pairs.insert(u64::from(high) << 32 | u64::from(number)) {
            self.counts[group] += 1;
        }
        Ok(())
    }

    /// Takes the first groups out, as pairs in order of group; later groups move down.
    fn take(&mut self, emit: EmitTo) -> (Vec<i64>, Vec<u64>) {
        let counts = emit.take_needed(&mut self.counts);
        let pairs = match emit {
            EmitTo::All => std::mem::take(&mut self.pairs).into_iter().collect(),
            EmitTo::First(n) => {
                let limit = (n as u64) << 32;
                let (out, rest): (Vec<u64>, Vec<u64>) = std::mem::take(&mut self.pairs)
                    .into_iter()
                    .partition(|pair| *pair < limit);
                self.pairs = rest.into_iter().map(|pair| pair - limit).collect();
                out
            }
        };
        (counts, pairs)
    }

    fn forget_texts_if_done(&mut self) {
        if self.counts.is_empty() {
            self.texts = Texts::default();
        }
    }
}

fn lists(lengths: impl Iterator<Item = usize>, texts: LargeStringArray) -> Result<ArrayRef> {
    let offsets = OffsetBuffer::<i32>::from_lengths(lengths);
    Ok(Arc::new(ListArray::try_new(
        item_field(),
        offsets,
        Arc::new(texts),
        None,
    )?))
}

impl GroupsAccumulator for DistinctTexts {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.counts.resize(total, 0);
        let texts = as_views(&values[0])?;
        for (row, (text, group)) in texts.iter().zip(groups).enumerate() {
            let passes = filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
            if let (true, Some(text)) = (passes, text) {
                self.add(*group, text)?;
            }
        }
        Ok(())
    }

    fn merge_batch(&mut self, values: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.counts.resize(total, 0);
        let states = values[0].as_list::<i32>();
        for (row, group) in groups.iter().enumerate() {
            if states.is_valid(row) {
                for text in states.value(row).as_string::<i64>().iter().flatten() {
                    self.add(*group, text)?;
                }
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let (counts, _) = self.take(emit);
        self.forget_texts_if_done();
        Ok(Arc::new(Int64Array::from(counts)))
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        let (counts, mut pairs) = self.take(emit);
        pairs.sort_unstable();
        let mut texts = LargeStringBuilder::with_capacity(pairs.len(), pairs.len() * 12);
        for pair in &pairs {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the low half is the text's number"
            )]
            texts.append_value(self.texts.text(*pair as u32)?);
        }
        let lengths = counts.iter().map(|count| usize::try_from(*count).unwrap_or(0));
        let lists = lists(lengths, texts.finish())?;
        self.forget_texts_if_done();
        Ok(vec![lists])
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let texts = as_views(&values[0])?;
        let rows: Vec<Option<&str>> = texts
            .iter()
            .enumerate()
            .map(|(row, text)| text.filter(|_| filter.is_none_or(|f| f.is_valid(row) && f.value(row))))
            .collect();
        let kept = LargeStringArray::from_iter_values(rows.iter().flatten());
        Ok(vec![lists(
            rows.iter().map(|row| usize::from(row.is_some())),
            kept,
        )?])
    }

    fn size(&self) -> usize {
        self.texts.size() + self.pairs.capacity() * 9 + self.counts.capacity() * size_of::<i64>()
    }
}

fn as_views(values: &ArrayRef) -> Result<StringViewArray> {
    Ok(cast(values, &DataType::Utf8View)?.as_string_view().clone())
}

/// One group, for the plans in which the engine asks for a plain accumulator.
struct Single(DistinctTexts);

impl std::fmt::Debug for Single {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:?} distinct texts", self.0.counts)
    }
}

impl Accumulator for Single {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let groups = vec![0; values[0].len()];
        self.0.update_batch(values, &groups, None, 1)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let groups = vec![0; states[0].len()];
        self.0.merge_batch(states, &groups, 1)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Int64(Some(
            self.0.counts.first().copied().unwrap_or(0),
        )))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.0.counts.resize(1, 0);
        let states = GroupsAccumulator::state(&mut self.0, EmitTo::All)?;
        states
            .iter()
            .map(|state| ScalarValue::try_from_array(state, 0))
            .collect()
    }

    fn size(&self) -> usize {
        self.0.size()
    }
}
