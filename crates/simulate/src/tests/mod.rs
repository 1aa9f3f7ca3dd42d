//! What can be promised about the files, checked on the files.

mod data;
mod figures;
mod integrity;
mod stages;

use std::collections::HashMap;

use data::{UNTIL, auc, company, csv, customers, good, micros, options, segment};

use crate::{Options, calendar, write};

const DAY: i64 = 86_400_000_000;

fn files(options: &Options) -> HashMap<String, Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    write(options, folder.path(), &mut |_| {}).unwrap();
    let list = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    list.map(|path| {
        (
            path.file_name().unwrap().to_string_lossy().into_owned(),
            std::fs::read(&path).unwrap(),
        )
    })
    .collect()
}

#[test]
fn the_same_options_give_the_same_bytes_and_another_seed_others() {
    let one = files(&options(300, 4, 1));
    assert_eq!(one.len(), 12, "{:?}", one.keys());
    // Compared file by file: a failure should name the file and not print it.
    let two = files(&options(300, 4, 1));
    for (name, bytes) in &one {
        assert!(two[name] == *bytes, "{name} differs between two runs");
    }
    let other = files(&options(300, 4, 2));
    for (name, bytes) in one.iter().filter(|(name, _)| !name.ends_with(".yaml")) {
        assert!(other[name] != *bytes, "{name} does not depend on the seed");
    }
}

#[test]
fn an_account_does_not_depend_on_how_many_others_there_are() {
    let truth = |accounts| {
        let folder = tempfile::tempdir().unwrap();
        write(&options(accounts, 6, 3), folder.path(), &mut |_| {}).unwrap();
        let rows = csv(folder.path(), "truth.csv")
            .into_iter()
            .filter(|row| row["account_id"].as_str() <= "A-00150");
        rows.map(|row| {
            (
                row["account_id"].clone(),
                row["month"].clone(),
                row["hazard"].clone(),
            )
        })
        .collect::<std::collections::BTreeSet<_>>()
    };
    let few = truth(150);
    assert!(few.len() > 500);
    assert_eq!(few, truth(333));
}

#[test]
fn days_agree_with_a_calendar() {
    for number in (-200_000..200_000).step_by(37) {
        let date = jiff::civil::date(1970, 1, 1)
            .checked_add(jiff::Span::new().days(i64::from(number)))
            .unwrap();
        assert_eq!(calendar::day_number(date), number);
        assert_eq!(calendar::day_text(number), date.to_string());
        assert_eq!(
            calendar::weekday(number),
            date.weekday().to_monday_zero_offset() as usize
        );
    }
    assert_eq!(
        calendar::moment_text(micros("2026-03-01T14:05:09Z")),
        "2026-03-01T14:05:09Z"
    );
}

#[test]
fn options_out_of_range_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let fails = |options: Options| {
        write(&options, folder.path(), &mut |_| {})
            .unwrap_err()
            .to_string()
    };
    assert!(fails(options(0, 6, 1)).contains("accounts is 0"));
    assert!(fails(options(5, 0, 1)).contains("months is 0"));
    assert!(
        fails(Options {
            events_per_account_month: Some(-1.0),
            ..options(5, 6, 1)
        })
        .contains("events_per_account_month is -1")
    );
}

#[test]
fn one_account_and_one_month_are_enough() {
    let folder = tempfile::tempdir().unwrap();
    let summary = write(&options(1, 1, 1), folder.path(), &mut |_| {}).unwrap();
    assert_eq!((summary.accounts, summary.until), (1, UNTIL));
}

#[test]
fn volume_follows_the_knob() {
    let rate = |wanted| {
        let folder = tempfile::tempdir().unwrap();
        let wanted = Options {
            events_per_account_month: wanted,
            ..options(250, 8, 5)
        };
        write(&wanted, folder.path(), &mut |_| {}).unwrap().events as f64 / 250.0 / 8.0
    };
    let (usual, much) = (rate(None), rate(Some(150.0)));
    assert!(
        (35.0..55.0).contains(&usual),
        "{usual} events per account and month"
    );
    assert!(
        (100.0..180.0).contains(&much),
        "{much} events per account and month"
    );
}

#[test]
fn progress_reaches_its_total() {
    let folder = tempfile::tempdir().unwrap();
    let mut seen = Vec::new();
    let summary = write(&options(300, 3, 1), folder.path(), &mut |progress| {
        seen.push(progress)
    })
    .unwrap();
    assert!(
        seen.windows(2)
            .all(|pair| pair[0].done <= pair[1].done && pair[0].events <= pair[1].events)
    );
    let last = seen.last().unwrap();
    assert_eq!(
        (last.done, last.events),
        (last.total, summary.file("events.parquet").unwrap().rows)
    );
}

#[test]
fn the_true_risk_ranks_those_who_decide_to_leave() {
    let rows = company()
        .truth
        .iter()
        .filter(|row| row["notice"] == "0" || row["decided"] == "1");
    let scored: Vec<_> = rows
        .map(|row| (row["hazard"].parse().unwrap(), row["decided"] == "1"))
        .collect();
    let decided = scored.iter().filter(|row| row.1).count() as f64;
    let expected: f64 = scored.iter().map(|row| row.0).sum();
    assert!(
        (decided / expected - 1.0).abs() < 0.2,
        "{decided} decided, {expected} expected from the hazard"
    );
    let auc = auc(scored);
    println!("AUC of the truth: {auc:.3}");
    assert!(
        (0.75..0.97).contains(&auc),
        "AUC {auc}: too weak to be found, or too easy"
    );
}

#[test]
fn the_true_risk_ranks_those_who_churn_within_ninety_days() {
    let data = company();
    let customers = customers(data);
    let scored: Vec<_> = data
        .truth
        .iter()
        .filter(|row| {
            customers.contains_key(row["account_id"].as_str())
                && row["month"].as_str() <= "2026-03"
                && row["notice"] == "0"
        })
        .map(|row| {
            let start = micros(&format!("{}-01", row["month"]));
            let left = &customers[row["account_id"].as_str()]["churned_on"];
            (
                row["hazard"].parse().unwrap(),
                !left.is_empty() && (0..90).contains(&((micros(left) - start) / DAY)),
            )
        })
        .collect();
    let auc = auc(scored);
    println!("AUC of the truth: {auc:.3}");
    assert!(auc > 0.70, "AUC {auc}");
}

/// Log-ins in the sixty days before a churn against the same account's sixty days half a year earlier, and the same for those who stay.
#[test]
fn use_falls_before_churn() {
    let data = company();
    let customers = customers(data);
    let mut logins: HashMap<&str, Vec<i64>> = HashMap::new();
    for event in data
        .events
        .iter()
        .filter(|event| event.name.as_deref() == Some("login"))
    {
        logins.entry(&event.account).or_default().push(event.at);
    }
    let ratio = |left: bool| {
        let (mut before, mut earlier, mut accounts) = (0, 0, 0);
        for (id, row) in &customers {
            let churned = &row["churned_on"];
            // Those who stay are looked at on one day in spring, so that the season is an ordinary one.
            let end = if churned.is_empty() {
                micros("2026-05-15")
            } else {
                micros(churned)
            };
            if churned.is_empty() == left
                || micros(&row["started_on"]) > end - 330 * DAY
                || end < micros("2025-06-01")
            {
                continue;
            }
            let count = |from: i64, to: i64| {
                logins
                    .get(id)
                    .map_or(0, |all| all.iter().filter(|at| (from..to).contains(*at)).count())
            };
            before += count(end - 60 * DAY, end);
            earlier += count(end - 240 * DAY, end - 180 * DAY);
            accounts += 1;
        }
        assert!(accounts > 50, "{accounts} accounts");
        before as f64 / f64::from(earlier as u32)
    };
    let (leaving, staying) = (ratio(true), ratio(false));
    assert!(
        leaving < 0.75 * staying,
        "log-ins kept: {leaving} of those who leave, {staying} of those who stay"
    );
}

/// How much more often a warning sign stands six weeks before a churn than it does with customers who stay, segments compared with themselves.
fn excess(sign: impl Fn(&str, i64) -> bool) -> f64 {
    let customers = customers(company());
    let days: Vec<i64> = (1..=10)
        .map(|month| micros("2025-06-15") + month * 30 * DAY)
        .collect();
    let (mut seen, mut expected) = (0.0, 0.0);
    for wanted in ["core", "digital"] {
        let (mut signs, mut all, mut leaving) = (0.0, 0.0, 0.0);
        for (id, row) in customers.iter().filter(|(_, row)| segment(row) == wanted) {
            if row["churned_on"].is_empty() {
                for day in days
                    .iter()
                    .filter(|day| micros(&row["started_on"]) < **day - 60 * DAY)
                {
                    signs += f64::from(u8::from(sign(id, *day)));
                    all += 1.0;
                }
            } else if micros(&row["churned_on"]) > micros("2024-12-01") {
                seen += f64::from(u8::from(sign(id, micros(&row["churned_on"]) - 42 * DAY)));
                leaving += 1.0;
            }
        }
        expected += leaving * signs / all;
    }
    println!("{seen} seen, {expected} expected");
    seen / expected
}

#[test]
fn open_tickets_come_before_churn() {
    let data = company();
    let mut open: HashMap<&str, Vec<(i64, i64)>> = HashMap::new();
    for row in good(data, &data.tickets, "opened_at") {
        let resolved = if row["resolved_at"].is_empty() {
            i64::MAX
        } else {
            micros(&row["resolved_at"])
        };
        open.entry(&row["account_id"])
            .or_default()
            .push((micros(&row["opened_at"]), resolved));
    }
    let excess = excess(|id, day| {
        open.get(id)
            .is_some_and(|all| all.iter().any(|(from, to)| *from < day - 4 * DAY && day < *to))
    });
    assert!(excess > 1.3, "{excess} times as often");
}

#[test]
fn lost_champions_come_before_churn() {
    let data = company();
    let mut left: HashMap<&str, Vec<i64>> = HashMap::new();
    for row in data.contacts.iter().filter(|row| row["role"] == "former") {
        left.entry(&row["account_id"])
            .or_default()
            .push(micros(&row["updated_at"]));
    }
    let excess = excess(|id, day| {
        left.get(id)
            .is_some_and(|all| all.iter().any(|at| *at < day && day - at < 120 * DAY))
    });
    assert!(excess > 1.5, "{excess} times as often");
}
