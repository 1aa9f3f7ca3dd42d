//! The records that stand at the end: accounts and their people.

use std::path::Path;

use crate::{
    FileSummary, Options, Summary,
    calendar::{civil, day_text},
    env::Env,
    life::{Life, Phase},
    output::table,
    profile::{Gap, Segment},
    revenue::money,
    run::Sheet,
    words::REASONS,
};

/// Writes the accounts as they are at the end, and counts them.
pub fn write_accounts(
    env: &Env,
    options: &Options,
    lives: &[Life],
    folder: &Path,
) -> anyhow::Result<(FileSummary, Summary)> {
    let header = "account_id,name,domain,industry,plan,employees,seats,owner,started_on,churned_on,churn_reason,mrr,currency,parent_id,updated_at";
    let mut sheet = Sheet::create(folder, "accounts.csv", Some("accounts"), header)?;
    let (year, month, day) = civil(env.first);
    let mut summary = Summary {
        from: jiff::civil::Date::new(year as i16, month as i8, day as i8)?,
        until: options.until,
        accounts: lives.len() as u64,
        active: 0,
        churned: 0,
        missing_employees: 0,
        missing_mrr: 0,
        prospects: 0,
        events: 0,
        late_events: 0,
        files: Vec::new(),
    };
    let mut rows = table();
    for life in lives {
        let profile = &life.profile;
        let (name, domain, industry) = crate::names::company(env.seed, u64::from(life.number) - 1);
        let prospect = profile.gap == Gap::Prospect;
        let left = life.leaves.filter(|_| life.phase == Phase::Over);
        summary.active += u64::from(life.phase == Phase::Active);
        summary.churned += u64::from(left.is_some());
        summary.missing_employees += u64::from(!profile.employees_known);
        summary.missing_mrr += u64::from(profile.gap != Gap::None);
        summary.prospects += u64::from(prospect);
        let known = |shown: bool, text: String| if shown { text } else { String::new() };
        let plan = if life.mrr <= 50_000 {
            "Essentials"
        } else if life.mrr <= 200_000 {
            "Professional"
        } else {
            "Enterprise"
        };
        rows.clean(&[
            &life.id(),
            &name,
            &domain,
            industry,
            if prospect { "" } else { plan },
            &known(profile.employees_known, profile.employees.to_string()),
            &known(!prospect, profile.seats.to_string()),
            &owner(env, life.segment(), life.number),
            &known(!prospect, day_text(profile.started)),
            &left.map(day_text).unwrap_or_default(),
            left.map_or("", |_| REASONS[life.reason as usize]),
            &known(profile.gap == Gap::None, money(life.mrr)),
            "USD",
            &profile
                .parent
                .map(|parent| format!("A-{parent:05}"))
                .unwrap_or_default(),
            &format!(
                "{}T12:00:00Z",
                day_text(life.updated.clamp(env.first, env.end - 1))
            ),
        ]);
    }
    let nobody = [
        "",
        "Nameless Import Line",
        "",
        "",
        "",
        "5",
        "",
        "",
        "2025-01-01",
        "",
        "",
        "99.00",
        "USD",
        "",
        "",
    ];
    rows.bad("no_account_id", &nobody);
    let undated = [
        "A-BADDATE",
        "Undated Import Line",
        "",
        "",
        "",
        "5",
        "",
        "",
        "31.13.2024",
        "",
        "",
        "99.00",
        "USD",
        "",
        "",
    ];
    rows.bad("bad_date", &undated);
    sheet.add(rows)?;
    Ok((sheet.close()?, summary))
}

/// Writes what was entered of each account when it began: of the accounts' file only the newest state is there, and what a record held before
/// would be unknown on every day of the past.
pub fn write_entered(env: &Env, lives: &[Life], folder: &Path) -> anyhow::Result<FileSummary> {
    let header = "account_id,name,domain,industry,employees,seats,owner,updated_at";
    let mut sheet = Sheet::create(folder, "accounts_entered.csv", Some("accounts"), header)?;
    let mut rows = table();
    for life in lives.iter().filter(|life| life.profile.gap != Gap::Prospect) {
        let profile = &life.profile;
        let (name, domain, industry) = crate::names::company(env.seed, u64::from(life.number) - 1);
        let employees = if profile.employees_known {
            profile.employees.to_string()
        } else {
            String::new()
        };
        rows.clean(&[
            &life.id(),
            &name,
            &domain,
            industry,
            &employees,
            &profile.seats.to_string(),
            &owner(env, life.segment(), life.number),
            &format!("{}T08:00:00Z", day_text(profile.started)),
        ]);
    }
    sheet.add(rows)?;
    sheet.close()
}

/// Writes the lifecycle stages of accounts as they were entered week by week, each on its first day.
pub fn write_stages(env: &Env, lives: &[Life], folder: &Path) -> anyhow::Result<FileSummary> {
    let mut sheet = Sheet::create(
        folder,
        "stages.csv",
        Some("accounts"),
        "account_id,name,lifecycle_stage,updated_at",
    )?;
    for batch in lives.chunks(4_096) {
        let mut rows = table();
        for life in batch {
            let (name, ..) = crate::names::company(env.seed, u64::from(life.number) - 1);
            for (day, stage) in &life.stages {
                // What an account was in before the first day of data is entered with its start.
                let day = if *day <= env.first {
                    life.profile.started
                } else {
                    *day
                };
                rows.clean(&[
                    &life.id(),
                    &name,
                    stage.text(),
                    &format!("{}T08:00:00Z", day_text(day)),
                ]);
            }
        }
        sheet.add(rows)?;
    }
    sheet.close()
}

/// The account's manager: each segment has a team, sized by how many accounts one person serves there.
fn owner(env: &Env, segment: Segment, number: u32) -> String {
    let (share, load) = [(0.08, 20.0), (0.37, 60.0), (0.55, 250.0)][segment.index()];
    let people = (f64::from(env.accounts) * share / load).ceil().max(1.0) as u32;
    format!("csm.{}.{}@example.com", segment.id(), number % people + 1)
}

/// Writes the accounts' people, those who left among them.
pub fn write_contacts(env: &Env, lives: &[Life], folder: &Path) -> anyhow::Result<FileSummary> {
    let mut sheet = Sheet::create(
        folder,
        "contacts.csv",
        Some("contacts"),
        "contact_id,account_id,email,name,title,role,phone,updated_at",
    )?;
    for batch in lives.chunks(4_096) {
        let mut rows = table();
        for life in batch {
            let (_, domain, _) = crate::names::company(env.seed, u64::from(life.number) - 1);
            for (no, contact) in life.contacts.iter().enumerate() {
                let person = contact.person;
                let changed = contact
                    .left
                    .unwrap_or(contact.since)
                    .clamp(env.first, env.end - 1);
                rows.clean(&[
                    &life.contact_id(no as u8),
                    &life.id(),
                    &person.email(no, &domain),
                    &person.name(),
                    person.title(),
                    Life::role(contact),
                    &format!("+1-555-01{:02}", (life.number as usize * 7 + no) % 100),
                    &format!("{}T12:00:00Z", day_text(changed)),
                ]);
            }
        }
        sheet.add(rows)?;
    }
    let mut rows = table();
    rows.bad(
        "no_contact_id",
        &["", "A-00001", "nobody@example.com", "Nobody", "", "user", "", ""],
    );
    sheet.add(rows)?;
    sheet.close()
}
