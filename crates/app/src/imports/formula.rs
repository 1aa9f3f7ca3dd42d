//! SQL expressions over a file's columns, through the lake's expression compiler.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use tenure_lake::arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use tenure_lake::arrow::datatypes::{DataType, Field, Schema};
use tenure_lake::arrow::util::display::{ArrayFormatter, FormatOptions};
use tenure_lake::{Expr, Names, Type};

use super::map::{ColumnType, MapError};
use super::read::{Record, Source, normal};
use super::value::Spelling;

/// Values of all expressions for one row, or what is wrong.
pub type Values = Vec<Result<Option<String>, String>>;

/// The expressions of a plan, evaluated for many rows at once.
pub struct Formulas {
    texts: HashSet<String>,
    names: Names,
    columns: Vec<Column>,
    compiled: Vec<Compiled>,
    spelling: Spelling,
}

/// A column as expressions see it.
struct Column {
    name: String,
    place: usize,
    kind: ColumnType,
}

struct Compiled {
    expr: Expr,
    /// Places in `columns`.
    reads: Vec<usize>,
}

impl Formulas {
    /// No expressions yet, over the columns of `source`. A column is a number where all its texts in the first rows are, unless `types` says
    /// otherwise. Besides its own name it can be written in normal form (`account_id` for `Account Id`), which needs no quotes.
    pub fn new(source: &Source, types: &[(String, ColumnType)], decimal: Option<char>) -> Self {
        let spelling = Spelling {
            decimal,
            ..Spelling::plain()
        };
        let said = |name: &str| {
            types
                .iter()
                .find(|(column, _)| column == name)
                .map(|(_, kind)| *kind)
        };
        let mut columns = Vec::new();
        for (place, name) in source.columns.names().iter().enumerate() {
            let kind = said(name).unwrap_or_else(|| found(source, place, &spelling));
            columns.push(Column {
                name: name.clone(),
                place,
                kind,
            });
        }
        let mut taken: BTreeSet<String> = columns.iter().map(|column| column.name.to_lowercase()).collect();
        let plain: Vec<Column> = columns
            .iter()
            .map(|column| Column {
                name: normal(&column.name),
                place: column.place,
                kind: column.kind,
            })
            .filter(|column| !column.name.is_empty() && taken.insert(column.name.clone()))
            .collect();
        columns.extend(plain);
        let names = Names::new(columns.iter().map(|column| {
            let kind = if column.kind == ColumnType::Number {
                Type::Number
            } else {
                Type::Text
            };
            (column.name.clone(), kind)
        }));
        let texts = types
            .iter()
            .filter(|(_, kind)| *kind == ColumnType::Text)
            .map(|(name, _)| name.clone())
            .collect();
        Self {
            texts,
            names,
            columns,
            compiled: Vec::new(),
            spelling,
        }
    }

    /// Whether the map says that a column is text.
    pub fn is_text(&self, column: &str) -> bool {
        self.texts.contains(column)
    }

    /// Compiles an expression (a condition, where that is wanted) and returns its place and the file's columns that it reads.
    pub fn add(&mut self, text: &str, at: &str, condition: bool) -> Result<(usize, Vec<usize>), MapError> {
        let compiled = if condition {
            Expr::compile_filter(text, &self.names)
        } else {
            Expr::compile(text, &self.names)
        };
        let expr = compiled.map_err(|error| {
            let place = error
                .column
                .map_or_else(String::new, |column| format!("column {column}: "));
            let text = self
                .columns
                .iter()
                .any(|column| column.kind == ColumnType::Number && error.message.contains(&column.name));
            let hint = if text {
                " A column of figures counts as a number; `types: {column: text}` takes it as text."
            } else {
                ""
            };
            MapError {
                at: at.to_owned(),
                problem: format!("{place}{}", error.message),
                remedy: format!("{}{hint}", error.remedy),
            }
        })?;
        let reads: Vec<usize> = expr
            .references()
            .iter()
            .filter_map(|name| self.columns.iter().position(|column| column.name == *name))
            .collect();
        let places = reads.iter().map(|at| self.columns[*at].place).collect();
        self.compiled.push(Compiled { expr, reads });
        Ok((self.compiled.len() - 1, places))
    }

    /// Evaluates all expressions for `records`.
    pub fn evaluate(&self, records: &[Record]) -> Vec<Values> {
        let mut values: Vec<Values> = records
            .iter()
            .map(|_| Vec::with_capacity(self.compiled.len()))
            .collect();
        for compiled in &self.compiled {
            let (batch, faults) = self.batch(records, &compiled.reads);
            match batch.and_then(|batch| texts(&compiled.expr, &batch)) {
                Ok(texts) => {
                    for ((row, text), fault) in values.iter_mut().zip(texts).zip(faults) {
                        row.push(fault.map_or(Ok(text), Err));
                    }
                }
                Err(problem) => values.iter_mut().for_each(|row| row.push(Err(problem.clone()))),
            }
        }
        values
    }

    /// The columns that an expression reads, and for each row what is wrong with them.
    fn batch(
        &self,
        records: &[Record],
        reads: &[usize],
    ) -> (Result<RecordBatch, String>, Vec<Option<String>>) {
        let mut faults = vec![None; records.len()];
        let mut fields = Vec::with_capacity(reads.len());
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(reads.len());
        for at in reads {
            let column = &self.columns[*at];
            let cells = records
                .iter()
                .map(|record| Some(record.cell(column.place)).filter(|cell| !cell.is_empty()));
            match column.kind {
                ColumnType::Text => {
                    fields.push(Field::new(&column.name, DataType::Utf8, true));
                    arrays.push(Arc::new(cells.collect::<StringArray>()));
                }
                ColumnType::Number => {
                    fields.push(Field::new(&column.name, DataType::Float64, true));
                    let numbers: Float64Array = cells
                        .enumerate()
                        .map(|(row, cell)| match cell.map(|cell| self.spelling.number(cell)) {
                            Some(Ok(number)) => Some(number),
                            Some(Err(_)) => {
                                faults[row] = Some(format!(
                                    "the formula takes {} as a number, and it is “{}”",
                                    column.name,
                                    cell.unwrap_or_default()
                                ));
                                None
                            }
                            None => None,
                        })
                        .collect();
                    arrays.push(Arc::new(numbers));
                }
            }
        }
        let options =
            tenure_lake::arrow::array::RecordBatchOptions::new().with_row_count(Some(records.len()));
        let batch = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
            .map_err(|error| error.to_string());
        (batch, faults)
    }
}

/// An expression's values as text; null is `None`.
fn texts(expr: &Expr, batch: &RecordBatch) -> Result<Vec<Option<String>>, String> {
    let values = expr.eval(batch).map_err(|error| error.to_string())?;
    let instants = matches!(values.data_type(), DataType::Timestamp(..));
    if let Some(numbers) = values.as_any().downcast_ref::<Float64Array>() {
        // Whole numbers come without a fraction, so that a formula may make an id or a count.
        return Ok(numbers
            .iter()
            .map(|number| number.map(|number| number.to_string()))
            .collect());
    }
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(&values, &options).map_err(|error| error.to_string())?;
    Ok((0..values.len())
        .map(|row| {
            (!values.is_null(row))
                .then(|| format!("{}{}", formatter.value(row), if instants { "Z" } else { "" }))
        })
        .collect())
}

/// How a column's texts look in the first rows. Codes such as `007` are text.
fn found(source: &Source, place: usize, spelling: &Spelling) -> ColumnType {
    let mut cells = source
        .sample
        .iter()
        .filter(|record| record.fault.is_none())
        .map(|record| record.cell(place))
        .filter(|cell| !cell.is_empty())
        .peekable();
    let code =
        |cell: &str| cell.len() > 1 && cell.starts_with('0') && cell.bytes().all(|b| b.is_ascii_digit());
    let number = |cell: &str| {
        cell.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | '$' | '€' | '£'))
            && spelling.number(cell).is_ok()
    };
    if cells.peek().is_some() && cells.all(|cell| number(cell) && !code(cell)) {
        ColumnType::Number
    } else {
        ColumnType::Text
    }
}
