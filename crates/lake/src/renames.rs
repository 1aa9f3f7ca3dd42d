//! Accounts that are read under another number, and contacts under another id: the events of one that was merged into another are shown as
//! the other's.
//!
//! Nothing is rewritten: the files keep what was sent, a scan shows it renamed, and without the rename everything is as before.

use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringViewArray, StringViewBuilder,
};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Int64Type, Schema};
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, Result, ScalarValue, internal_err};
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
const CONTACT: usize = 4;

/// Which accounts are read as which others, and which contacts.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Renames {
    accounts: BTreeMap<i64, (i64, String)>,
    contacts: HashMap<String, String>,
    /// Bits of what may be a renamed contact: asked of every event, of which few are.
    sieve: Vec<u64>,
}

impl Hash for Renames {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.accounts.hash(state);
        self.contacts.len().hash(state);
    }
}

impl Renames {
    /// Each number with the number and the id that it is read as, and each contact with the one that it is read as. What is read as another is
    /// not itself a target.
    #[must_use]
    pub fn new(accounts: BTreeMap<i64, (i64, String)>, contacts: HashMap<String, String>) -> Self {
        let words = (contacts.len() / 4).next_power_of_two();
        let mut sieve = vec![0_u64; if contacts.is_empty() { 0 } else { words }];
        for id in contacts.keys() {
            let (word, bit) = place(id.as_bytes(), words);
            sieve[word] |= bit;
        }
        Self {
            accounts,
            contacts,
            sieve,
        }
    }

    /// Whether nothing is renamed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.contacts.is_empty()
    }

    /// What an account is read as; `None` = as itself.
    #[must_use]
    pub fn target(&self, no: i64) -> Option<(i64, &str)> {
        self.accounts.get(&no).map(|(no, id)| (*no, id.as_str()))
    }

    /// The contact that this one is read as; `None` = as itself.
    #[must_use]
    pub fn contact(&self, id: &str) -> Option<&str> {
        if self.sieve.is_empty() {
            return None;
        }
        let (word, bit) = place(id.as_bytes(), self.sieve.len());
        if self.sieve[word] & bit == 0 {
            return None;
        }
        self.contacts.get(id).map(String::as_str)
    }

    /// All ids that are read as one contact, that one first.
    #[must_use]
    pub fn contacts_of(&self, id: &str) -> Vec<String> {
        let root = self.contact(id).unwrap_or(id);
        let mut all: Vec<String> = self
            .contacts
            .iter()
            .filter(|(_, target)| *target == root)
            .map(|(own, _)| own.clone())
            .collect();
        all.sort_unstable();
        all.insert(0, root.to_owned());
        all
    }

    /// Whether an event is shown otherwise than it was sent.
    #[must_use]
    pub fn touches(&self, row: &EventRow) -> bool {
        self.target(row.account_no).is_some()
            || row
                .contact_id
                .as_deref()
                .is_some_and(|id| self.contact(id).is_some())
    }

    /// Shows an event under the number and id that its account is read as, and under the id of its contact.
    pub fn apply(&self, row: &mut EventRow) {
        if let Some((no, id)) = self.target(row.account_no) {
            row.account_no = no;
            row.account_id = Some(id.to_owned());
        }
        if let Some(id) = row.contact_id.as_deref().and_then(|id| self.contact(id)) {
            row.contact_id = Some(id.to_owned());
        }
    }

    /// The bounds of the numbers that rows with numbers in these bounds are read as.
    pub(crate) fn widen(&self, min: i64, max: i64) -> (i64, i64) {
        let targets = self.accounts.range(min..=max).map(|(_, (no, _))| *no);
        targets.fold((min, max), |(low, high), no| (low.min(no), high.max(no)))
    }

    /// The columns that a scan has to read so that these can be shown renamed; `None` = nothing of it is renamed.
    pub(crate) fn columns(&self, projection: Option<&Vec<usize>>) -> Option<Vec<usize>> {
        let mut wanted: Vec<usize> = match projection {
            Some(wanted) => wanted.clone(),
            None => (0..event_schema().fields().len()).collect(),
        };
        let accounts = !self.accounts.is_empty() && (wanted.contains(&NUMBER) || wanted.contains(&ID));
        let contacts = !self.contacts.is_empty() && wanted.contains(&CONTACT);
        if !accounts && !contacts {
            return None;
        }
        if accounts && !wanted.contains(&NUMBER) {
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
            let accounts = !self.accounts.is_empty();
            let expr = match *column {
                NUMBER if accounts => self.shown(state, &schema, What::Number, vec![own])?,
                ID if accounts => self.shown(state, &schema, What::Id, vec![Arc::clone(&number), own])?,
                CONTACT if !self.contacts.is_empty() => {
                    self.shown(state, &schema, What::Contact, vec![own])?
                }
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
        what: What,
        arguments: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let function = Shown {
            renames: Arc::clone(self),
            what,
            signature: Signature::any(arguments.len(), Volatility::Immutable),
        };
        let function = Arc::new(ScalarUDF::new_from_impl(function));
        let options = Arc::clone(state.config().options());
        Ok(Arc::new(ScalarFunctionExpr::try_new(
            function, arguments, schema, options,
        )?))
    }

    /// A filter as the files can answer it: one that does not speak of what is renamed as it is, one on account numbers or contacts alone
    /// widened by those that are read as one that it lets through; `None` = it can only be asked of what is shown.
    fn in_own_numbers(&self, state: &dyn Session, filter: &Expr) -> Option<Expr> {
        let names: Vec<&str> = filter.column_refs().iter().map(|it| it.name.as_str()).collect();
        let accounts = !self.accounts.is_empty() && names.iter().any(|name| name.starts_with("account_"));
        let contacts = !self.contacts.is_empty() && names.contains(&"contact_id");
        if !accounts && !contacts {
            return Some(filter.clone());
        }
        let own = if accounts { "account_no" } else { "contact_id" };
        if names.iter().any(|name| *name != own) {
            return None;
        }
        let (field, targets, keys): (Field, ArrayRef, Vec<Expr>) = if accounts {
            let targets = self.accounts.values().map(|(no, _)| *no);
            (
                Field::new(own, DataType::Int64, false),
                Arc::new(Int64Array::from_iter_values(targets)),
                self.accounts.keys().map(|no| lit(*no)).collect(),
            )
        } else {
            (
                Field::new(own, DataType::Utf8View, true),
                Arc::new(StringViewArray::from_iter_values(self.contacts.values())),
                self.contacts
                    .keys()
                    .map(|id| lit(ScalarValue::Utf8View(Some(id.clone()))))
                    .collect(),
            )
        };
        let schema = Arc::new(Schema::new(vec![field]));
        let named = DFSchema::try_from(Arc::clone(&schema)).ok()?;
        let physical = state.create_physical_expr(filter.clone(), &named).ok()?;
        let batch = RecordBatch::try_new(schema, vec![targets]).ok()?;
        let truth = physical
            .evaluate(&batch)
            .ok()?
            .into_array(batch.num_rows())
            .ok()?;
        let truth = truth.as_boolean_opt()?;
        let list: Vec<Expr> = keys
            .into_iter()
            .enumerate()
            .filter(|(row, _)| truth.is_valid(*row) && truth.value(*row))
            .map(|(_, key)| key)
            .collect();
        Some(if list.is_empty() {
            filter.clone()
        } else {
            filter.clone().or(col(own).in_list(list, false))
        })
    }
}

/// The bit of an id in a sieve of so many words, a power of two.
fn place(id: &[u8], words: usize) -> (usize, u64) {
    const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = MIX ^ id.len() as u64;
    for part in id.chunks(8) {
        let mut bytes = [0; 8];
        bytes[..part.len()].copy_from_slice(part);
        hash = (hash ^ u64::from_le_bytes(bytes))
            .wrapping_mul(MIX)
            .rotate_left(29);
    }
    let word = usize::try_from(hash >> 32).unwrap_or(0) & (words - 1);
    (word, 1 << (hash & 63))
}

/// What is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum What {
    /// An account's number.
    Number,
    /// Its id, beside its number.
    Id,
    /// A contact's id.
    Contact,
}

/// The function that shows one of these renamed.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Shown {
    renames: Arc<Renames>,
    what: What,
    signature: Signature,
}

impl ScalarUDFImpl for Shown {
    fn name(&self) -> &str {
        match self.what {
            What::Number => "shown_account_no",
            What::Id => "shown_account_id",
            What::Contact => "shown_contact_id",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(match self.what {
            What::Number => DataType::Int64,
            What::Id | What::Contact => DataType::Utf8View,
        })
    }

    fn return_field_from_args(&self, _arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        // As the columns of `events`: a number always, an id perhaps.
        let optional = self.what != What::Number;
        Ok(Arc::new(Field::new(
            self.name(),
            self.return_type(&[])?,
            optional,
        )))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
        let shown = match (self.what, arrays.as_slice()) {
            (What::Number, [numbers]) => self.numbers(numbers),
            (What::Id, [numbers, ids]) => self.ids(numbers, ids),
            (What::Contact, [ids]) => self.contacts(ids),
            _ => return internal_err!("{} takes other columns", self.name()),
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

    fn contacts(&self, ids: &ArrayRef) -> ArrayRef {
        let own = ids.as_string_view();
        let renamed = |id: Option<&str>| id.is_some_and(|id| self.renames.contact(id).is_some());
        if !own.iter().any(renamed) {
            return Arc::clone(ids);
        }
        let mut shown = StringViewBuilder::with_capacity(ids.len());
        for id in own {
            shown.append_option(id.map(|id| self.renames.contact(id).unwrap_or(id)));
        }
        Arc::new(shown.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contacts_are_found_among_many_and_no_others() {
        let ids = |n: usize| format!("contact-{n}-of-a-long-name");
        let renames = Renames::new(
            BTreeMap::new(),
            (0..500).map(|n| (ids(n), ids(n + 1_000))).collect(),
        );
        for n in 0..500 {
            assert_eq!(renames.contact(&ids(n)), Some(ids(n + 1_000).as_str()));
            assert_eq!(renames.contact(&ids(n + 1_000)), None);
        }
        assert_eq!(renames.contact(""), None);
        assert_eq!(renames.contacts_of(&ids(3)), [ids(1_003), ids(3)]);
        assert_eq!(renames.contacts_of(&ids(1_003)), [ids(1_003), ids(3)]);
        assert_eq!(Renames::default().contacts_of("x"), ["x"]);
    }
}
