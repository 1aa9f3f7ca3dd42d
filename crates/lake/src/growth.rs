//! Which functions can give back more than they were given, and how much that is for each row.
//!
//! `growth_names` says it of every function by name.

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int64Type, IntervalMonthDayNanoType, IntervalUnit, TimeUnit};
use datafusion::common::Result;
use datafusion::logical_expr::ColumnarValue;

/// What the size of a result, or the work for it, follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Growth {
    /// All arguments together.
    Sum,
    /// The first, as many times as the second says.
    Repeat,
    /// As many characters as the second says.
    Pad,
    /// The first, with each of the second replaced by the third.
    Replace,
    /// The same by a pattern, which may match between any two letters and repeat what it found.
    Pattern,
    /// The numbers or times from the first to the second in steps of the third.
    Series,
    /// A list of as many items as the second says.
    Resize,
    /// The items of a list, with the second between each two.
    Join,
    /// A list in which each item may become the third.
    Items,
    /// A list of the letters of a text.
    Letters,
    /// Each letter of the second may become a whole word.
    Format,
    /// Work, not size: the length of the first times the length of the second.
    Product,
    /// Work, not size: each pattern is compiled, which takes time and memory of its own.
    Compile,
}

/// Bytes of one value, and units of one step of work.
pub(crate) struct Scale {
    pub(crate) row: u64,
    pub(crate) slice: u64,
}

impl Growth {
    pub(crate) fn scale(self) -> Scale {
        match self {
            Self::Product => Scale {
                row: 200_000_000,
                slice: 200_000_000,
            },
            Self::Compile => Scale {
                row: u64::MAX,
                slice: COMPILED,
            },
            _ => Scale {
                row: ROW,
                slice: SLICE,
            },
        }
    }

    pub(crate) fn is_work(self) -> bool {
        matches!(self, Self::Product | Self::Compile)
    }
}

/// Bytes of one value that a function may make.
pub(crate) const ROW: u64 = 1 << 20;
/// Bytes that a function may make in one step.
const SLICE: u64 = 8 << 20;

/// Patterns that are held compiled at once; each may take ten megabytes.
const COMPILED: u64 = 8;

/// How the function of this name grows, if it does.
pub(crate) fn of(name: &str) -> Option<Growth> {
    crate::growth_names::GROWING
        .binary_search_by_key(&name, |(known, _)| known)
        .ok()
        .map(|at| crate::growth_names::GROWING[at].1)
}

/// Bytes that each value takes, 0 for null.
pub(crate) fn widths(array: &dyn Array) -> Vec<u64> {
    let rows = 0..array.len();
    let of = |size: fn(&dyn Array, usize) -> u64| {
        rows.clone()
            .map(|row| if array.is_null(row) { 0 } else { size(array, row) })
            .collect()
    };
    let nested = |items: &ArrayRef, start: &dyn Fn(usize) -> usize, end: &dyn Fn(usize) -> usize| {
        let mut ends = Vec::with_capacity(items.len() + 1);
        ends.push(0u64);
        for width in widths(items) {
            ends.push(ends.last().copied().unwrap_or(0) + width.max(1));
        }
        rows.clone()
            .map(|row| {
                if array.is_null(row) {
                    return 0;
                }
                ends[end(row)] - ends[start(row)] + 8
            })
            .collect()
    };
    match array.data_type() {
        DataType::Null => vec![0; array.len()],
        DataType::Utf8 => of(|a, row| a.as_string::<i32>().value_length(row).unsigned_abs().into()),
        DataType::LargeUtf8 => of(|a, row| a.as_string::<i64>().value_length(row).unsigned_abs()),
        DataType::Utf8View => {
            let lengths = array.as_string_view().lengths().map(u64::from);
            let null = |row: usize| array.is_null(row);
            lengths
                .enumerate()
                .map(|(row, length)| if null(row) { 0 } else { length })
                .collect()
        }
        DataType::Binary => of(|a, row| a.as_binary::<i32>().value_length(row).unsigned_abs().into()),
        DataType::LargeBinary => of(|a, row| a.as_binary::<i64>().value_length(row).unsigned_abs()),
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            let offsets = list.value_offsets();
            let at = |row: usize| usize::try_from(offsets[row]).unwrap_or(0);
            nested(list.values(), &at, &|row| at(row + 1))
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            let offsets = list.value_offsets();
            let at = |row: usize| usize::try_from(offsets[row]).unwrap_or(0);
            nested(list.values(), &at, &|row| at(row + 1))
        }
        DataType::Struct(_) => {
            let mut sums = vec![0; array.len()];
            for column in array.as_struct().columns() {
                for (sum, width) in sums.iter_mut().zip(widths(column)) {
                    *sum += width;
                }
            }
            sums
        }
        fixed => {
            let each = fixed
                .primitive_width()
                .unwrap_or_else(|| array.get_array_memory_size() / array.len().max(1));
            vec![each.try_into().unwrap_or(u64::MAX); array.len()]
        }
    }
}

/// One argument: its values, once if it is the same for every row.
struct Arg {
    array: ArrayRef,
    same: bool,
}

impl Arg {
    fn of(value: &ColumnarValue) -> Result<Self> {
        Ok(match value {
            ColumnarValue::Array(array) => Self {
                array: array.clone(),
                same: false,
            },
            ColumnarValue::Scalar(value) => Self {
                array: value.to_array_of_size(1)?,
                same: true,
            },
        })
    }

    /// A function from the row to a number.
    fn by_row(&self, values: Vec<u64>) -> impl Fn(usize) -> u64 + use<> {
        let same = self.same;
        move |row| values.get(if same { 0 } else { row }).copied().unwrap_or(0)
    }

    fn widths(&self) -> impl Fn(usize) -> u64 + use<> {
        self.by_row(widths(&self.array))
    }

    /// Whole numbers; negative ones and null are 0.
    fn counts(&self) -> impl Fn(usize) -> u64 + use<> {
        let counts = cast(&self.array, &DataType::Int64).map(|array| {
            let longs = array.as_primitive::<Int64Type>();
            longs
                .iter()
                .map(|n| n.map_or(0, |n| n.max(0).unsigned_abs()))
                .collect()
        });
        self.by_row(counts.unwrap_or_else(|_| vec![u64::MAX]))
    }

    /// Numbers as they are, times as microseconds, months as 28 days.
    fn steps(&self) -> Vec<Option<i128>> {
        let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
        if let DataType::Interval(unit) = self.array.data_type() {
            let array = match unit {
                IntervalUnit::MonthDayNano => Ok(self.array.clone()),
                _ => cast(&self.array, &DataType::Interval(IntervalUnit::MonthDayNano)),
            };
            let Ok(array) = array else { return Vec::new() };
            let steps = array.as_primitive::<IntervalMonthDayNanoType>();
            return steps
                .iter()
                .map(|step| {
                    step.map(|step| {
                        let days = i128::from(step.months) * 28 + i128::from(step.days);
                        days * 86_400_000_000 + i128::from(step.nanoseconds) / 1_000
                    })
                })
                .collect();
        }
        let array = match self.array.data_type() {
            DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => cast(&self.array, &micros),
            _ => Ok(self.array.clone()),
        };
        array
            .and_then(|array| cast(&array, &DataType::Int64))
            .map(|array| {
                array
                    .as_primitive::<Int64Type>()
                    .iter()
                    .map(|n| n.map(i128::from))
                    .collect()
            })
            .unwrap_or_default()
    }

    fn items(&self) -> impl Fn(usize) -> u64 + use<> {
        let lengths = match self.array.data_type() {
            DataType::List(_) => {
                let offsets = self.array.as_list::<i32>().offsets().lengths();
                offsets.map(|n| n as u64).collect()
            }
            DataType::LargeList(_) => {
                let offsets = self.array.as_list::<i64>().offsets().lengths();
                offsets.map(|n| n as u64).collect()
            }
            _ => vec![1; self.array.len()],
        };
        self.by_row(lengths)
    }
}

/// An upper bound of what the function makes, or does, for each row.
pub(crate) fn sizes(growth: Growth, args: &[ColumnarValue], rows: usize) -> Result<Vec<u64>> {
    let args: Vec<Arg> = args.iter().map(Arg::of).collect::<Result<_>>()?;
    let none = |_: usize| 0u64;
    let width = |at: usize| -> Box<dyn Fn(usize) -> u64> {
        args.get(at)
            .map_or_else(|| Box::new(none) as _, |arg| Box::new(arg.widths()) as _)
    };
    let count = |at: usize| -> Box<dyn Fn(usize) -> u64> {
        args.get(at)
            .map_or_else(|| Box::new(none) as _, |arg| Box::new(arg.counts()) as _)
    };
    let items = |at: usize| -> Box<dyn Fn(usize) -> u64> {
        args.get(at)
            .map_or_else(|| Box::new(none) as _, |arg| Box::new(arg.items()) as _)
    };
    let all = || {
        let widths: Vec<_> = (0..args.len()).map(width).collect();
        move |row: usize| widths.iter().map(|width| width(row)).fold(0, u64::saturating_add)
    };
    let each: Box<dyn Fn(usize) -> u64> = match growth {
        Growth::Sum => Box::new(all()),
        Growth::Repeat => {
            // `array_repeat` wants the value first as well.
            let (width, count) = (width(0), count(1));
            Box::new(move |row| width(row).max(1).saturating_mul(count(row)))
        }
        Growth::Pad => {
            let (width, count) = (width(0), count(1));
            // Letters have up to four bytes.
            Box::new(move |row| {
                if width(row) == 0 {
                    0
                } else {
                    count(row).saturating_mul(4)
                }
            })
        }
        Growth::Replace => {
            let (text, old, new) = (width(0), width(1), width(2));
            Box::new(move |row| {
                let text = text(row);
                let most = if old(row) == 0 { text + 1 } else { text / old(row) };
                text.saturating_add(most.saturating_mul(new(row)))
            })
        }
        Growth::Pattern => {
            let (text, new) = (width(0), width(2));
            let many = args.get(1).is_some_and(|pattern| !pattern.same);
            let least = if many { SLICE / COMPILED } else { 0 };
            Box::new(move |row| {
                // A match for each letter, each with the replacement; each sign of it may stand for what was found.
                let (text, new) = (text(row), new(row));
                let found = text.saturating_mul(1 + new.min(8));
                found.saturating_add((text + 1).saturating_mul(new)).max(least)
            })
        }
        Growth::Series => {
            let mut args: Vec<(Vec<Option<i128>>, bool)> = args.iter().map(|a| (a.steps(), a.same)).collect();
            if args.len() == 1 {
                args.insert(0, (vec![Some(0)], true));
            }
            if args.len() == 2 {
                args.push((vec![Some(1)], true));
            }
            let at = move |which: usize, row: usize| {
                let (values, same) = args.get(which)?;
                values.get(if *same { 0 } else { row }).copied().flatten()
            };
            Box::new(move |row| {
                let Some(((start, stop), step)) = at(0, row).zip(at(1, row)).zip(at(2, row)) else {
                    return 0;
                };
                let far = stop - start;
                if step == 0 || (far < 0) != (step < 0) {
                    return 8;
                }
                u64::try_from(far / step + 1)
                    .unwrap_or(u64::MAX)
                    .saturating_mul(8)
            })
        }
        Growth::Resize => {
            let (list, count, new) = (width(0), count(1), width(2));
            Box::new(move |row| list(row).saturating_add(count(row).saturating_mul(new(row).max(8))))
        }
        Growth::Join => {
            // `array_to_string(list, between, null)` and `concat_ws(between, text, …)`.
            let (sum, items, all) = (all(), items(0), args.len() as u64);
            let (second, third, first) = (width(1), width(2), width(0));
            let list = args.first().is_some_and(|arg| arg.array.data_type().is_nested());
            Box::new(move |row| {
                let between = if list {
                    items(row).saturating_mul(second(row) + third(row) + 24)
                } else {
                    first(row).saturating_mul(all)
                };
                sum(row).saturating_add(between)
            })
        }
        Growth::Items => {
            let (list, items, new) = (width(0), items(0), width(2));
            Box::new(move |row| list(row).saturating_add(items(row).saturating_mul(new(row))))
        }
        Growth::Letters => {
            let text = width(0);
            Box::new(move |row| text(row).saturating_mul(20))
        }
        Growth::Format => {
            let format = width(1);
            Box::new(move |row| format(row).saturating_mul(32))
        }
        Growth::Product => {
            let (one, other) = (width(0), width(1));
            Box::new(move |row| one(row).saturating_mul(other(row)))
        }
        Growth::Compile => {
            let many = args.get(1).is_some_and(|pattern| !pattern.same);
            Box::new(move |_| u64::from(many))
        }
    };
    Ok((0..rows).map(each).collect())
}
