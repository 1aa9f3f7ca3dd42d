//! Accounts that are read under another number: the events of one that was merged into another are shown as the other's.
//!
//! Nothing is rewritten: the files keep what was sent, a scan shows it renamed, and without the rename everything is as before.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringViewBuilder};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Int64Type, Schema};
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, Result, internal_err};
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility, col, lit,
};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;

use crate::event::{EventRow, event_schema};

/// Places of the renamed columns among those of `events`.
const NUMBER: usize = 2;
const ID: usize = 3;

/// Which accounts are read as which others.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
pub struct Renames(BTreeMap<i64, (i64, String)>);

impl Renames {
    /// Each number with the number and the id that it is read as. What is read as another is not itself a target.
    #[must_use]
    pub fn new(of: BTreeMap<i64, (i64, String)>) -> Self {
        Self(of)
    }

    /// Whether nothing is renamed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What an account is read as; `None` = as itself.
    #[must_use]
    pub fn target(&self, no: i64) -> Option<(i64, &str)> {
        self.0.get(&no).map(|(no, id)| (*no, id.as_str()))
    }

    /// Shows an event under the number and id that its account is read as.
    pub fn apply(&self, row: &mut EventRow) {
        if let Some((no, id)) = self.target(row.account_no) {
            row.account_no = no;
            row.account_id = Some(id.to_owned());
        }
    }

    /// The bounds of the numbers that rows with numbers in these bounds are read as.
    pub(crate) fn widen(&self, min: i64, max: i64) -> (i64, i64) {
        let targets = self.0.range(min..=max).map(|(_, (no, _))| *no);
        targets.fold((min, max), |(low, high), no| (low.min(no), high.max(no)))
    }

    /// The columns that a scan has to read so that these can be shown renamed; `None` = nothing of it is renamed.
    pub(crate) fn columns(&self, projection: Option<&Vec<usize>>) -> Option<Vec<usize>> {
        let mut wanted: Vec<usize> = match projection {
            Some(wanted) => wanted.clone(),
            None => (0..event_schema().fields().len()).collect(),
        };
        if self.is_empty() || !(wanted.contains(&NUMBER) || wanted.contains(&ID)) {
            return None;
        }
        if !wanted.contains(&NUMBER) {
            wanted.push(NUMBER);
        }
        Some(wanted)
    }

    /// Shows a scan of `columns` renamed, with its first `shown` columns. What the filters ask of account numbers is asked of the files in
    /// their own numbers, so that they are still passed over where they cannot hold an answer.
    pub(crate) fn over(
        self: &Arc<Self>,
        state: &dyn Session,
        scan: Arc<dyn ExecutionPlan>,
        columns: &[usize],
        shown: usize,
        filters: &[Expr],
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let filters: Vec<Expr> = filters
            .iter()
            .filter_map(|filter| self.in_own_numbers(state, filter))
            .collect();
        let schema = scan.schema();
        let scan = match conjunction(filters) {
            None => scan,
            Some(all) => {
                let named = DFSchema::try_from(Arc::clone(&schema))?;
                match state.create_physical_expr(all, &named) {
                    Ok(filter) => Arc::new(FilterExec::try_new(filter, scan)?),
                    Err(_) => scan,
                }
            }
        };
        let place = |column: usize| columns.iter().position(|it| *it == column).unwrap_or(0);
        let number: Arc<dyn PhysicalExpr> = Arc::new(Column::new("account_no", place(NUMBER)));
        let mut exprs: Vec<(Arc<dyn PhysicalExpr>, String)> = Vec::with_capacity(shown);
        for (at, column) in columns.iter().take(shown).enumerate() {
            let name = schema.field(at).name().clone();
            let own: Arc<dyn PhysicalExpr> = Arc::new(Column::new(&name, at));
            let expr = match *column {
                NUMBER => self.shown(state, &schema, vec![Arc::clone(&number)])?,
                ID => self.shown(state, &schema, vec![Arc::clone(&number), own])?,
                _ => own,
            };
            exprs.push((expr, name));
        }
        Ok(Arc::new(ProjectionExec::try_new(exprs, scan)?))
    }

    fn shown(
        self: &Arc<Self>,
        state: &dyn Session,
        schema: &Schema,
        arguments: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let (name, kind) = if arguments.len() == 1 {
            ("shown_account_no", DataType::Int64)
        } else {
            ("shown_account_id", DataType::Utf8View)
        };
        let function = Shown {
            renames: Arc::clone(self),
            name,
            kind,
            signature: Signature::any(arguments.len(), Volatility::Immutable),
        };
        let function = Arc::new(ScalarUDF::new_from_impl(function));
        let options = Arc::clone(state.config().options());
        Ok(Arc::new(ScalarFunctionExpr::try_new(
            function, arguments, schema, options,
        )?))
    }

    /// A filter as the files can answer it: one that does not speak of accounts as it is, one on numbers alone widened by the numbers that
    /// are read as one that it lets through; `None` = it can only be asked of what is shown.
    fn in_own_numbers(&self, state: &dyn Session, filter: &Expr) -> Option<Expr> {
        let names: Vec<&str> = filter.column_refs().iter().map(|it| it.name.as_str()).collect();
        if !names.iter().any(|name| name.starts_with("account_")) {
            return Some(filter.clone());
        }
        if names.iter().any(|name| *name != "account_no") {
            return None;
        }
        let schema = Arc::new(Schema::new(vec![Field::new(
            "account_no",
            DataType::Int64,
            false,
        )]));
        let named = DFSchema::try_from(Arc::clone(&schema)).ok()?;
        let physical = state.create_physical_expr(filter.clone(), &named).ok()?;
        let targets = Int64Array::from_iter_values(self.0.values().map(|(no, _)| *no));
        let batch = RecordBatch::try_new(schema, vec![Arc::new(targets)]).ok()?;
        let truth = physical
            .evaluate(&batch)
            .ok()?
            .into_array(batch.num_rows())
            .ok()?;
        let truth = truth.as_boolean_opt()?;
        let through = self
            .0
            .keys()
            .enumerate()
            .filter(|(row, _)| truth.is_valid(*row) && truth.value(*row));
        let list: Vec<Expr> = through.map(|(_, no)| lit(*no)).collect();
        Some(if list.is_empty() {
            filter.clone()
        } else {
            filter.clone().or(col("account_no").in_list(list, false))
        })
    }
}

/// The function that shows a number, or an id beside its number, renamed.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Shown {
    renames: Arc<Renames>,
    name: &'static str,
    kind: DataType,
    signature: Signature,
}

impl ScalarUDFImpl for Shown {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(self.kind.clone())
    }

    fn return_field_from_args(&self, _arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        // As the columns of `events`: a number always, an id perhaps.
        let optional = self.kind != DataType::Int64;
        Ok(Arc::new(Field::new(self.name, self.kind.clone(), optional)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
        let shown = match arrays.as_slice() {
            [numbers] => self.numbers(numbers),
            [numbers, ids] => self.ids(numbers, ids),
            _ => return internal_err!("{} takes one or two columns", self.name),
        };
        Ok(ColumnarValue::Array(shown))
    }
}

impl Shown {
    /// What each row is read as. Rows of one account stand together, so that the last answer often holds.
    fn targets<'a>(&'a self, numbers: &'a ArrayRef) -> impl Iterator<Item = Option<(i64, &'a str)>> + 'a {
        let mut last = (0, None);
        numbers
            .as_primitive::<Int64Type>()
            .values()
            .iter()
            .map(move |no| {
                if *no != last.0 {
                    last = (*no, self.renames.target(*no));
                }
                last.1
            })
    }

    fn numbers(&self, numbers: &ArrayRef) -> ArrayRef {
        if self.targets(numbers).all(|target| target.is_none()) {
            return Arc::clone(numbers);
        }
        let own = numbers.as_primitive::<Int64Type>().values().iter();
        let shown = own
            .zip(self.targets(numbers))
            .map(|(no, target)| target.map_or(*no, |(no, _)| no));
        Arc::new(Int64Array::from_iter_values(shown))
    }

    fn ids(&self, numbers: &ArrayRef, ids: &ArrayRef) -> ArrayRef {
        if self.targets(numbers).all(|target| target.is_none()) {
            return Arc::clone(ids);
        }
        let mut shown = StringViewBuilder::with_capacity(ids.len());
        for (own, target) in ids.as_string_view().iter().zip(self.targets(numbers)) {
            shown.append_option(target.map(|(_, id)| id).or(own));
        }
        Arc::new(shown.finish())
    }
}
