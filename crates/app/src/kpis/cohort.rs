//! The accounts of a period: relations `periods` and `cohort` that a KPI's facts read.

use std::sync::Arc;

use anyhow::Result;
use tenure_lake::RecordBatch;
use tenure_lake::arrow::array::{
    ArrayRef, BooleanBuilder, Date32Array, Date32Builder, Float64Builder, Int32Array, Int64Builder,
    StringBuilder,
};

use super::window::Period;
use crate::definitions::SegmentAt;
use crate::metrics::evaluate::UNCLASSIFIED;
use crate::metrics::facts::day_number;
use crate::metrics::{Entry, Span};

/// The relation `periods`: the day that a figure stands for and the days that it looks at.
///
/// # Errors
/// Never in practice: the columns have one length.
pub fn periods(periods: &[Period]) -> Result<RecordBatch> {
    let day = |get: fn(&Period) -> jiff::civil::Date| -> ArrayRef {
        Arc::new(Date32Array::from_iter_values(
            periods.iter().map(|p| day_number(get(p))),
        ))
    };
    let month = periods
        .iter()
        .map(|p| i32::from(p.last.year()) * 100 + i32::from(p.last.month()));
    Ok(RecordBatch::try_from_iter([
        ("period", day(|p| p.day)),
        ("first_day", day(|p| p.first)),
        ("last_day", day(|p| p.last)),
        ("month", Arc::new(Int32Array::from_iter_values(month)) as ArrayRef),
    ])?)
}

/// The day whose segment, owner and stage count for a period.
#[must_use]
pub fn day_that_counts(period: &Period, at: SegmentAt) -> i32 {
    match at {
        // "At the start" is the moment before the first day: who joins on the first day was not there yet.
        SegmentAt::Start => day_number(period.first) - 1,
        SegmentAt::End => day_number(period.last),
    }
}

/// The span whose segment and owner count for a period.
#[must_use]
pub fn counted<'a>(entry: &'a Entry, period: &Period, at: SegmentAt) -> Option<&'a Span> {
    let day = day_that_counts(period, at);
    entry.head.span_at(day).or_else(|| entry.head.spans.first())
}

struct Columns {
    period: Date32Builder,
    account_no: Int64Builder,
    account_id: StringBuilder,
    first_day: Date32Builder,
    last_day: Date32Builder,
    active_start: BooleanBuilder,
    active_end: BooleanBuilder,
    active_any: BooleanBuilder,
    churned_any: BooleanBuilder,
    started_on: Date32Builder,
    churned_on: Date32Builder,
    mrr_start: Float64Builder,
    mrr_end: Float64Builder,
    segment: StringBuilder,
    owner: StringBuilder,
}

/// The relation `cohort`: one row for each period and account that was active at its start or on one of its days. Texts that nothing `reads`
/// are left out, because there are as many of them as accounts times periods.
///
/// # Errors
/// Never in practice: the columns have one length.
pub fn cohort(
    entries: &[Arc<Entry>],
    periods: &[Period],
    at: SegmentAt,
    reads: &dyn Fn(&str) -> bool,
) -> Result<RecordBatch> {
    let texts = Texts {
        account_id: reads("account_id"),
        segment: reads("segment"),
        owner: reads("owner"),
    };
    let mut columns = Columns::with_room(entries.len() * periods.len(), &texts);
    for entry in entries {
        let lives = entry.head.lives();
        for period in periods {
            push(&mut columns, entry, &lives, period, at, &texts);
        }
    }
    let Columns {
        mut period,
        mut account_no,
        mut account_id,
        mut first_day,
        mut last_day,
        ..
    } = columns;
    let mut finished: Vec<(&str, ArrayRef)> = vec![
        ("period", Arc::new(period.finish())),
        ("account_no", Arc::new(account_no.finish())),
        ("first_day", Arc::new(first_day.finish())),
        ("last_day", Arc::new(last_day.finish())),
        ("active_start", Arc::new(columns.active_start.finish())),
        ("active_end", Arc::new(columns.active_end.finish())),
        ("active_any", Arc::new(columns.active_any.finish())),
        ("churned_any", Arc::new(columns.churned_any.finish())),
        ("started_on", Arc::new(columns.started_on.finish())),
        ("churned_on", Arc::new(columns.churned_on.finish())),
        ("mrr_start", Arc::new(columns.mrr_start.finish())),
        ("mrr_end", Arc::new(columns.mrr_end.finish())),
    ];
    if texts.account_id {
        finished.push(("account_id", Arc::new(account_id.finish())));
    }
    if texts.segment {
        finished.push(("segment", Arc::new(columns.segment.finish())));
    }
    if texts.owner {
        finished.push(("owner", Arc::new(columns.owner.finish())));
    }
    Ok(RecordBatch::try_from_iter_with_nullable(
        finished.into_iter().map(|(name, column)| (name, column, true)),
    )?)
}

impl Columns {
    /// Room for so many rows: columns of this length that grow by doubling would hold their half as much again for nothing. What is not
    /// filled is never touched.
    fn with_room(rows: usize, texts: &Texts) -> Self {
        let room = |wanted: bool| if wanted { rows } else { 0 };
        let text =
            |wanted: bool, bytes: usize| StringBuilder::with_capacity(room(wanted), room(wanted) * bytes);
        Self {
            period: Date32Builder::with_capacity(rows),
            account_no: Int64Builder::with_capacity(rows),
            account_id: text(texts.account_id, 16),
            first_day: Date32Builder::with_capacity(rows),
            last_day: Date32Builder::with_capacity(rows),
            active_start: BooleanBuilder::with_capacity(rows),
            active_end: BooleanBuilder::with_capacity(rows),
            active_any: BooleanBuilder::with_capacity(rows),
            churned_any: BooleanBuilder::with_capacity(rows),
            started_on: Date32Builder::with_capacity(rows),
            churned_on: Date32Builder::with_capacity(rows),
            mrr_start: Float64Builder::with_capacity(rows),
            mrr_end: Float64Builder::with_capacity(rows),
            segment: text(texts.segment, 12),
            owner: text(texts.owner, 32),
        }
    }
}

/// Which texts are wanted.
struct Texts {
    account_id: bool,
    segment: bool,
    owner: bool,
}

fn push(
    columns: &mut Columns,
    entry: &Entry,
    lives: &[(i32, i32)],
    period: &Period,
    at: SegmentAt,
    texts: &Texts,
) {
    let (first, last) = (day_number(period.first), day_number(period.last));
    // The last life that touches the window or the day before it.
    let Some((start, end)) = lives
        .iter()
        .rev()
        .find(|(start, end)| *start <= last && *end >= first)
        .copied()
    else {
        return;
    };
    let on = |day: i32| lives.iter().any(|(start, end)| *start <= day && day < *end);
    let (active_start, active_end) = (on(first - 1), on(last));
    let active_any = lives.iter().any(|(start, end)| *start <= last && *end > first);
    let churned_any = lives.iter().any(|(_, end)| (first..=last).contains(end));
    if !(active_start || active_any) {
        return;
    }
    let mrr = |day: i32| entry.head.span_at(day).and_then(|span| span.mrr);
    columns.period.append_value(day_number(period.day));
    columns.account_no.append_value(entry.no);
    if texts.account_id {
        columns.account_id.append_value(&entry.id);
    }
    columns.first_day.append_value(first);
    columns.last_day.append_value(last);
    columns.active_start.append_value(active_start);
    columns.active_end.append_value(active_end);
    columns.active_any.append_value(active_any);
    columns.churned_any.append_value(churned_any);
    columns.started_on.append_value(start);
    columns.churned_on.append_option((end <= last).then_some(end));
    columns
        .mrr_start
        .append_option(active_start.then(|| mrr(first - 1)).flatten());
    columns
        .mrr_end
        .append_option(if active_end { mrr(last) } else { Some(0.0) });
    if !(texts.segment || texts.owner) {
        return;
    }
    let counted = counted(entry, period, at);
    if texts.segment {
        columns
            .segment
            .append_value(counted.map_or(UNCLASSIFIED, |span| span.segment.as_str()));
    }
    if texts.owner {
        columns
            .owner
            .append_option(counted.and_then(|span| span.owner.as_deref()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Head;
    use jiff::civil::date;
    use tenure_lake::arrow::array::{Array, AsArray};

    fn entry(spans: &[(i32, i32, bool, f64, &str)]) -> Arc<Entry> {
        let spans = spans
            .iter()
            .map(|(from, to, active, mrr, segment)| Span {
                from: *from,
                to: *to,
                active: *active,
                mrr: Some(*mrr),
                segment: (*segment).to_owned(),
                owner: None,
            })
            .collect();
        let head = Head {
            day: i32::MAX - 1,
            spans,
            metrics: vec![],
            flags: vec![],
            why: String::new(),
            currency: None,
            subscriptions: vec![],
            dated: vec![],
        };
        Arc::new(Entry {
            no: 1,
            id: "a".into(),
            name: "A".into(),
            owner: None,
            stub: false,
            attributes: serde_json::Map::new(),
            head: Arc::new(head),
            computed_at: 0,
        })
    }

    /// The flags, the two amounts and the segment of one row.
    type Row = (bool, bool, bool, bool, Option<f64>, Option<f64>, String);

    fn june(entry: Arc<Entry>, at: SegmentAt) -> Option<Row> {
        let june = Period {
            day: date(2026, 6, 30),
            first: date(2026, 6, 1),
            last: date(2026, 6, 30),
        };
        let batch = cohort(&[entry], &[june], at, &|_| true).unwrap();
        if batch.num_rows() == 0 {
            return None;
        }
        let flag = |name: &str| batch.column_by_name(name).unwrap().as_boolean().value(0);
        let money = |name: &str| {
            let column = batch
                .column_by_name(name)
                .unwrap()
                .as_primitive::<tenure_lake::arrow::datatypes::Float64Type>()
                .clone();
            column.is_valid(0).then(|| column.value(0))
        };
        let segment = batch
            .column_by_name("segment")
            .unwrap()
            .as_string::<i32>()
            .value(0)
            .to_owned();
        Some((
            flag("active_start"),
            flag("active_end"),
            flag("active_any"),
            flag("churned_any"),
            money("mrr_start"),
            money("mrr_end"),
            segment,
        ))
    }

    #[test]
    fn edges_of_a_month() {
        let june_1 = day_number(date(2026, 6, 1));
        let july_1 = day_number(date(2026, 7, 1));
        let open = i32::MAX;
        // Starts on the first day: not there at the start.
        let joined = entry(&[(june_1, open, true, 10.0, "core")]);
        assert_eq!(
            june(joined, SegmentAt::End),
            Some((false, true, true, false, None, Some(10.0), "core".into()))
        );
        // Churns on the first day: active at the start, on no day of the month, gone at the end.
        let left = entry(&[
            (0, june_1, true, 10.0, "core"),
            (june_1, open, false, 10.0, "core"),
        ]);
        assert_eq!(
            june(left, SegmentAt::End),
            Some((true, false, false, true, Some(10.0), Some(0.0), "core".into()))
        );
        // Churns on the day after: still active at the end.
        let stays = entry(&[
            (0, july_1, true, 10.0, "core"),
            (july_1, open, false, 10.0, "core"),
        ]);
        assert_eq!(
            june(stays, SegmentAt::End),
            Some((true, true, true, false, Some(10.0), Some(10.0), "core".into()))
        );
        // Churned the day before: not in the relation at all.
        let gone = entry(&[
            (0, june_1 - 1, true, 10.0, "core"),
            (june_1 - 1, open, false, 10.0, "core"),
        ]);
        assert_eq!(june(gone, SegmentAt::End), None);
        // Moves segment within the month.
        let moved = entry(&[
            (0, june_1 + 9, true, 10.0, "core"),
            (june_1 + 9, open, true, 4000.0, "strategic"),
        ]);
        assert_eq!(june(moved.clone(), SegmentAt::Start).unwrap().6, "core");
        assert_eq!(
            june(moved, SegmentAt::End),
            Some((
                true,
                true,
                true,
                false,
                Some(10.0),
                Some(4000.0),
                "strategic".into()
            ))
        );
    }
}
