//! The expression language: what it means, what it refuses, and how it says so.

#![expect(
    clippy::unwrap_used,
    reason = "a test may stop at the first thing that is not as it should be"
)]

use std::sync::Arc;

use serde_json::{Value, json};
use tenure_lake::arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use tenure_lake::{EventRow, Expr, Names, Problem, Type, json_column, to_batch};

fn names() -> Names {
    Names::new([
        ("mrr", Type::Number),
        ("employees", Type::Integer),
        ("seats", Type::Integer),
        ("logins_30d", Type::Integer),
        ("tickets_30d", Type::Integer),
        ("plan", Type::Text),
        ("trial", Type::Boolean),
        ("started_on", Type::Date),
        ("day", Type::Date),
        ("last_seen", Type::Timestamp),
        ("Strange Name", Type::Integer),
    ])
}

/// Three accounts: an ordinary one, one of which nothing is known, one of zeros.
fn accounts() -> RecordBatch {
    let column = |array: ArrayRef| array;
    RecordBatch::try_from_iter_with_nullable([
        (
            "mrr",
            column(Arc::new(Float64Array::from(vec![Some(400.0), None, Some(0.0)]))),
            true,
        ),
        (
            "employees",
            column(Arc::new(Int64Array::from(vec![Some(51), None, Some(0)]))),
            true,
        ),
        (
            "seats",
            column(Arc::new(Int64Array::from(vec![Some(4), None, Some(0)]))),
            true,
        ),
        (
            "logins_30d",
            column(Arc::new(Int64Array::from(vec![Some(6), None, Some(0)]))),
            true,
        ),
        (
            "tickets_30d",
            column(Arc::new(Int64Array::from(vec![Some(2), Some(3), Some(0)]))),
            true,
        ),
        (
            "plan",
            column(Arc::new(StringArray::from(vec![Some("Pro"), None, Some("")]))),
            true,
        ),
        (
            "trial",
            column(Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
            true,
        ),
        // 2026-01-31, null, 1970-01-01
        (
            "started_on",
            column(Arc::new(Date32Array::from(vec![Some(20_484), None, Some(0)]))),
            true,
        ),
        (
            "day",
            column(Arc::new(Date32Array::from(vec![20_494, 20_494, 20_494]))),
            true,
        ),
        (
            "last_seen",
            column(Arc::new(TimestampMicrosecondArray::from(vec![
                Some(1_000_000),
                None,
                Some(0),
            ]))),
            true,
        ),
        (
            "Strange Name",
            column(Arc::new(Int64Array::from(vec![7, 8, 9]))),
            true,
        ),
    ])
    .unwrap()
}

fn eval(text: &str) -> Value {
    let expr = Expr::compile(text, &names()).unwrap_or_else(|error| panic!("{text}: {error}"));
    Value::Array(json_column(&expr.eval(&accounts()).unwrap()))
}

#[test]
fn expressions_mean_what_they_say() {
    let n = Value::Null;
    let cases: Vec<(&str, Value)> = vec![
        ("mrr", json!([400.0, n, 0.0])),
        (
            "mrr >= 0 AND mrr <= 500 AND employees >= 0 AND employees <= 50",
            json!([false, n, true]),
        ),
        ("mrr BETWEEN 0 AND 500", json!([true, n, true])),
        ("mrr > 3500", json!([false, n, false])),
        ("mrr IS NULL", json!([false, true, false])),
        ("mrr > 500 OR tickets_30d > 2", json!([false, true, false])),
        ("mrr > 500 AND tickets_30d > 5", json!([false, false, false])),
        ("NOT trial", json!([false, n, true])),
        ("trial IS NOT TRUE", json!([false, true, true])),
        ("mrr IS DISTINCT FROM 400", json!([false, true, true])),
        ("logins_30d / nullif(seats, 0)", json!([1.5, n, n])),
        ("logins_30d / seats", json!([1.5, n, n])),
        ("1 / 3 * 3", json!([1.0, 1.0, 1.0])),
        ("logins_30d % seats", json!([2, n, n])),
        ("mrr * 12", json!([4800.0, n, 0.0])),
        ("employees + 1", json!([52, n, 1])),
        ("-employees", json!([-51, n, 0])),
        ("coalesce(mrr, 0)", json!([400.0, 0.0, 0.0])),
        ("coalesce(employees, 1.5)", json!([51.0, 1.5, 0.0])),
        ("greatest(logins_30d, tickets_30d)", json!([6, 3, 0])),
        (
            "CASE WHEN mrr > 100 THEN 'big' WHEN mrr IS NULL THEN 'unknown' ELSE 'small' END",
            json!(["big", "unknown", "small"]),
        ),
        ("CASE plan WHEN 'Pro' THEN 1 ELSE 0 END", json!([1, 0, 0])),
        ("plan IN ('Pro', 'Basic')", json!([true, n, false])),
        ("plan NOT IN ('Pro', NULL)", json!([false, n, n])),
        ("lower(plan) = 'pro'", json!([true, n, false])),
        ("plan LIKE 'P%'", json!([true, n, false])),
        ("regexp_like(plan, '^(P+)+$')", json!([false, n, false])),
        ("plan || '!'", json!(["Pro!", n, "!"])),
        ("length(plan)", json!([3, n, 0])),
        ("CAST(plan AS INTEGER)", json!([n, n, n])),
        ("CAST('12' AS INTEGER) + employees", json!([63, n, 12])),
        ("ln(mrr - 400)", json!([n, n, n])),
        ("round(mrr / 7, 2)", json!([57.14, n, 0.0])),
        ("abs(employees - 60)", json!([9, n, 60])),
        ("day - started_on", json!([10, n, 20_494])),
        ("day - 10 = started_on", json!([true, n, false])),
        ("started_on + 1", json!(["2026-02-01", n, "1970-01-02"])),
        ("started_on >= '2026-01-01'", json!([true, n, false])),
        ("started_on >= DATE '2026-02-01'", json!([false, n, false])),
        ("day >= started_on + INTERVAL '10 days'", json!([true, n, true])),
        (
            "last_seen > TIMESTAMP '1970-01-01T00:00:00'",
            json!([true, n, false]),
        ),
        ("EXTRACT(YEAR FROM started_on)", json!([2026, n, 1970])),
        ("\"Strange Name\" + 1", json!([8, 9, 10])),
        ("MRR > 1", json!([true, n, false])),
        ("null", json!([n, n, n])),
        ("mrr = null", json!([n, n, n])),
        ("prop_num('{\"a\":{\"b\":2}}', 'a.b')", json!([2.0, 2.0, 2.0])),
        ("true", json!([true, true, true])),
        ("'it''s'", json!(["it's", "it's", "it's"])),
    ];
    for (text, want) in cases {
        assert_eq!(eval(text), want, "{text}");
    }
}

#[test]
fn mistakes_have_a_place_a_name_and_a_remedy() {
    use Problem::{Forbidden, Syntax, Type as Types, UnknownName};
    // text, class, column, name, nearest
    type Case = (
        &'static str,
        Problem,
        u32,
        Option<&'static str>,
        Option<&'static str>,
    );
    let cases: Vec<Case> = vec![
        (
            "ticket_30d > 3",
            UnknownName,
            1,
            Some("ticket_30d"),
            Some("tickets_30d"),
        ),
        (
            "mrr > 1 AND employes < 5",
            UnknownName,
            13,
            Some("employes"),
            Some("employees"),
        ),
        (
            "accounts.mrr > 1",
            UnknownName,
            1,
            Some("accounts.mrr"),
            Some("mrr"),
        ),
        ("\"MRR\" > 1", UnknownName, 1, Some("MRR"), Some("mrr")),
        ("lowr(plan) = 'x'", UnknownName, 1, Some("lowr"), Some("lower")),
        ("plan > 3", Types, 8, None, None),
        ("mrr = '12'", Types, 7, None, None),
        ("last_seen > 'notadate'", Types, 13, None, None),
        ("started_on = DATE '2026-02-30'", Types, 19, None, None),
        ("mrr AND trial", Types, 1, None, None),
        ("mrr > 1 AND plan + 1 > 2", Types, 13, None, None),
        ("NOT plan", Types, 5, None, None),
        ("CASE WHEN trial THEN 1 ELSE 'x' END", Types, 29, None, None),
        ("coalesce(mrr, 'none')", Types, 15, None, None),
        ("substr(plan)", Types, 8, None, None),
        ("split_part(plan, ',', 0)", Types, 23, None, None),
        ("last_seen - last_seen", Types, 1, None, None),
        ("CAST(mrr AS DATE)", Types, 6, None, None),
        ("INTERVAL '1 day'", Types, 10, None, None),
        ("mrr >", Syntax, 6, None, None),
        ("mrr > > 2", Syntax, 7, None, None),
        ("mrr > 1)", Syntax, 8, None, None),
        ("(mrr > 1", Syntax, 9, None, None),
        ("'open", Syntax, 1, None, None),
        ("mrr > 1; drop table x", Syntax, 8, None, None),
        ("mrr > 1 mrr", Syntax, 9, None, None),
        ("", Syntax, 0, None, None),
        ("   ", Syntax, 0, None, None),
        ("count(mrr) > 1", Forbidden, 1, Some("count"), None),
        ("sum(mrr)", Forbidden, 1, Some("sum"), None),
        ("row_number() OVER ()", Forbidden, 1, None, None),
        ("mrr > (SELECT 1)", Forbidden, 8, None, None),
        ("mrr IN (SELECT 1)", Forbidden, 1, None, None),
        ("EXISTS (SELECT 1)", Forbidden, 0, None, None),
        ("now() > last_seen", Forbidden, 1, Some("now"), None),
        (
            "current_date - started_on",
            Forbidden,
            1,
            Some("current_date"),
            None,
        ),
        ("random() > 0.5", Forbidden, 1, Some("random"), None),
        ("CAST(mrr AS BLOB)", Forbidden, 0, None, None),
        ("[1, 2]", Forbidden, 0, None, None),
        ("mrr & 1", Forbidden, 0, None, None),
        ("$1 > 2", Forbidden, 0, None, None),
    ];
    let mut wrong = Vec::new();
    for (text, problem, column, name, nearest) in cases {
        let Err(error) = Expr::compile(text, &names()) else {
            wrong.push(format!("{text}: compiled"));
            continue;
        };
        let placed = column == 0
            || (error.line, error.column, error.offset) == (Some(1), Some(column), Some(column - 1));
        let named = name.is_none() || error.name.as_deref() == name;
        let leaks = [
            "DataFusion",
            "sqlparser",
            "Utf8",
            "Int64",
            "Internal error",
            "Ident",
        ];
        let ours = !error.remedy.is_empty() && !leaks.iter().any(|word| error.to_string().contains(word));
        if error.problem != problem || !placed || !named || error.nearest.as_deref() != nearest || !ours {
            wrong.push(format!("{text}: {error:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let error = Expr::compile("mrr > 1\n  AND nam = 'x'", &names()).unwrap_err();
    assert_eq!(
        (error.line, error.column, error.offset),
        (Some(2), Some(7), Some(14))
    );
}

#[test]
fn hostile_texts_are_refused_and_cost_little() {
    let cases = [
        format!("{}1{}", "(".repeat(10_000), ")".repeat(10_000)),
        "(".repeat(7_000),
        "not ".repeat(4_000) + "trial",
        "-".repeat(4_001) + "1",
        format!("mrr{}", " + 1".repeat(3_000)),
        format!("mrr > 1{}", " OR mrr > 1".repeat(1_000)),
        format!("{}1{}", "abs(".repeat(3_000), ")".repeat(3_000)),
        format!("{}1{}", "CASE WHEN true THEN ".repeat(500), " END".repeat(500)),
        "a".repeat(1 << 20),
        format!("mrr > 1 -- {}", "x".repeat(1 << 20)),
        "'".repeat(9_999),
        "\0".into(),
        "\u{202e}mrr > 1".into(),
        "🙂".repeat(1_000),
    ];
    for text in &cases {
        let shown: String = text.chars().take(20).collect();
        assert!(Expr::compile(text, &names()).is_err(), "{shown}");
    }
    // Long but flat is welcome.
    let list = (0..1_500).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
    assert_eq!(eval(&format!("employees IN ({list})")), json!([true, null, true]));
    let chain = format!("mrr < 0{}", " OR employees = 51".repeat(150));
    assert_eq!(eval(&chain), json!([true, null, false]));
}

#[test]
fn texts_cannot_multiply() {
    let refused = [
        format!("length(replace(replace(plan, 'a', '{0}'), 'a', '{0}')) > 5", "a".repeat(2_000)),
        "length(regexp_replace(regexp_replace(plan, '(.)', '\\1\\1\\1\\1\\1\\1\\1\\1', 'g'), '(.)', '\\1\\1\\1\\1\\1\\1\\1\\1', 'g')) > 5"
            .to_owned(),
        format!("length(concat({})) > 5", ["plan"; 300].join(", ")),
        format!("length({0} || {0}) > 5", format!("concat({})", ["plan"; 140].join(", "))),
        format!("length(replace(replace('{0}', 'a', '{0}'), 'a', '{0}')) > 5", "a".repeat(2_000)),
        format!("length(CASE WHEN trial THEN replace(replace(plan, '', '{0}'), 'b', '{0}') END) > 5", "b".repeat(100)),
    ];
    for text in &refused {
        let error = Expr::compile(text, &names()).unwrap_err();
        assert_eq!(error.problem, Problem::TooLarge, "{text}: {error}");
        assert!(error.remedy.contains("shorter"), "{error}");
    }
    // Ordinary ones are fine, over many rows too.
    let text =
        "replace(replace(plan, 'a', 'an'), 'e', 'xx') || '-' || regexp_replace(plan, '[0-9]+', 'N', 'g')";
    let plans: Vec<String> = (0..5_000).map(|n| format!("plan {n} a")).collect();
    let batch = RecordBatch::try_from_iter([(
        "plan",
        Arc::new(StringArray::from_iter_values(&plans)) as ArrayRef,
    )]);
    let values = Expr::compile(text, &names())
        .unwrap()
        .eval(&batch.unwrap())
        .unwrap();
    let values = json_column(&values);
    assert_eq!(values.len(), 5_000);
    assert_eq!(values[4_321], json!("plann 4321 an-plan N a"));
}

#[test]
fn types_and_references_are_told() {
    let told = |text: &str| {
        let expr = Expr::compile(text, &names()).unwrap();
        (expr.output_type(), expr.references().to_vec())
    };
    assert_eq!(
        told("logins_30d / seats"),
        (Some(Type::Number), vec!["logins_30d".into(), "seats".into()])
    );
    assert_eq!(
        told("Mrr > 1 AND mrr < 2"),
        (Some(Type::Boolean), vec!["mrr".into()])
    );
    assert_eq!(told("employees + 1").0, Some(Type::Integer));
    assert_eq!(told("upper(plan)").0, Some(Type::Text));
    assert_eq!(told("started_on + 7").0, Some(Type::Date));
    assert_eq!(told("NULL"), (None, vec![]));
    assert_eq!(told("1"), (Some(Type::Integer), vec![]));
    let error = Expr::compile_filter("mrr + 1", &names()).unwrap_err();
    assert_eq!(error.problem, Problem::Type);
    assert!(Expr::compile_filter("trial", &names()).is_ok());
}

#[test]
fn batches_may_have_other_columns_and_types() {
    let expr = Expr::compile("employees > 50 AND plan = 'Pro'", &names()).unwrap();
    let batch = RecordBatch::try_from_iter([
        ("other", Arc::new(Int64Array::from(vec![0, 0])) as ArrayRef),
        ("plan", Arc::new(StringArray::from(vec!["Pro", "Pro"]))),
        ("employees", Arc::new(Float64Array::from(vec![51.0, 50.0]))),
    ])
    .unwrap();
    assert_eq!(
        expr.matches(&batch).unwrap(),
        BooleanArray::from(vec![true, false])
    );
    let error = expr.eval(&batch.project(&[0, 1]).unwrap()).unwrap_err();
    assert_eq!(error.name.as_deref(), Some("employees"));
    let empty = expr.eval(&batch.slice(0, 0)).unwrap();
    assert_eq!(empty.len(), 0);
}

#[test]
fn filters_read_event_properties() {
    let event = |seq: i64, properties: &str| EventRow {
        seq,
        message_id: seq.to_string(),
        account_no: 1,
        account_id: None,
        contact_id: None,
        kind: "survey".into(),
        name: "survey_answered".into(),
        occurred_at: 0,
        received_at: 0,
        day: 0,
        month: 197_001,
        source: "test".into(),
        properties: properties.into(),
    };
    let batch = to_batch(&[
        event(1, r#"{"survey":"nps","score":9}"#),
        event(2, r#"{"survey":"csat","score":5}"#),
        event(3, "broken"),
    ])
    .unwrap();
    let filter = Expr::compile_filter("prop(properties,'survey') = 'nps'", Names::events()).unwrap();
    assert_eq!(
        filter.matches(&batch).unwrap(),
        BooleanArray::from(vec![true, false, false])
    );
    let score = Expr::compile("prop_num(properties,'score')", Names::events()).unwrap();
    assert_eq!(
        json_column(&score.eval(&batch).unwrap()),
        vec![json!(9.0), json!(5.0), Value::Null]
    );
    let day = Expr::compile_filter("day = '1970-01-01' AND month = 197001", Names::events()).unwrap();
    assert_eq!(day.matches(&batch).unwrap().true_count(), 3);
}
