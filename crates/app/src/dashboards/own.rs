//! Dashboards that people made: who may see and change them, what is accepted, and what they show when the program has moved on.

use std::collections::{BTreeMap, HashMap};

use axum::http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::query;
use super::store::Kept;
use crate::App;
use crate::auth::{Principal, Role};
use crate::definitions::edit::dashboard_text;
use crate::definitions::{self, Dashboard, Definitions, SqlProblem, Tile};
use crate::web::{FieldError, Problem, Result};

/// What an id of a person's own begins with, so that it never meets one of a program.
pub const PREFIX: &str = "own-";
/// Dashboards that one person may have.
pub const MOST: i64 = 200;
/// Characters of a title.
const TITLE: usize = 120;
/// Characters of everything.
const TEXT: usize = 200_000;
/// How long a removed one can be brought back, in microseconds.
pub const KEPT_FOR: i64 = 30 * 86_400 * 1_000_000;

/// Whom a dashboard is shown to besides its owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sharing {
    /// Nobody, not even administrators.
    #[default]
    Private,
    /// Everybody who may sign in.
    View,
    /// Everybody; whoever works with accounts may change it.
    Edit,
}

impl Sharing {
    /// The name in data.
    pub fn name(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::View => "view",
            Self::Edit => "edit",
        }
    }

    /// The one with this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Private, Self::View, Self::Edit]
            .into_iter()
            .find(|it| it.name() == name)
    }
}

impl Kept {
    /// What its text says.
    ///
    /// # Errors
    /// When this release cannot read it.
    pub fn read(&self) -> Result<Dashboard> {
        Definitions::read_dashboard(&self.body)
            .ok_or_else(|| anyhow::anyhow!("the dashboard {} cannot be read", self.id).into())
    }

    /// Whether somebody knows of it.
    pub fn shown_to(&self, who: &Principal) -> bool {
        self.owner == who.actor || (self.sharing != Sharing::Private && self.removed_at.is_none())
    }

    /// Whether somebody may change what is on it.
    pub fn changed_by(&self, who: &Principal) -> bool {
        self.shown_to(who)
            && who.role >= Role::Csm
            && (self.sharing == Sharing::Edit || self.governed_by(who))
    }

    /// Whether somebody may share, remove and bring it back: its owner, and a manager what is shared.
    pub fn governed_by(&self, who: &Principal) -> bool {
        self.shown_to(who) && who.role >= Role::Csm && (self.owner == who.actor || who.role >= Role::Manager)
    }
}

/// A dashboard as a form holds it.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DashboardForm)]
pub struct Form {
    /// The name that people read, 1 to 120 characters.
    pub title: String,
    /// The heading that it stands under in an exported file.
    #[serde(default)]
    pub group: String,
    /// What it answers.
    #[serde(default)]
    pub description: String,
    /// Which document asks for it.
    #[serde(default)]
    pub source: String,
    /// The segment that it opens with; all accounts when left out.
    pub segment: Option<String>,
    /// The tiles, in reading order.
    pub tiles: Vec<Tile>,
}

impl Form {
    /// As a dashboard of this id.
    pub fn named(self, id: &str) -> Dashboard {
        Dashboard {
            id: id.to_owned(),
            title: self.title.trim().to_owned(),
            group: self.group,
            description: self.description.trim().to_owned(),
            source: self.source,
            segment: self.segment.filter(|segment| !segment.is_empty()),
            tiles: self.tiles,
        }
    }
}

/// What somebody sends: the fields of a form, or the text of a file.
pub enum Sent {
    /// Fields.
    Form(Form),
    /// YAML, which is kept as it is.
    Yaml(String),
}

impl Sent {
    /// One of the two.
    ///
    /// # Errors
    /// When there are both, or neither.
    pub fn one_of(form: Option<Form>, yaml: Option<String>) -> Result<Self> {
        match (form, yaml) {
            (Some(form), None) => Ok(Self::Form(form)),
            (None, Some(yaml)) => Ok(Self::Yaml(yaml)),
            _ => Err(Problem::field(
                "definition",
                "",
                "exactly one of definition and yaml is needed",
                "send the fields as `definition`, or the text of a file as `yaml`",
            )),
        }
    }
}

/// Reads and checks what was sent, with the queries of its tiles; gives the text that is kept and what it says.
///
/// # Errors
/// Every fault with its field.
pub async fn accepted(
    app: &App,
    definitions: &Definitions,
    id: &str,
    sent: Sent,
) -> Result<(String, Dashboard)> {
    let text = match sent {
        Sent::Form(form) => {
            // An empty title in a file stands for the id; in a form it is a mistake.
            named(&form.title)?;
            dashboard_text(&form.named(id))
        }
        Sent::Yaml(text) => text,
    };
    if text.chars().count() > TEXT {
        return Err(Problem::field(
            "yaml",
            text.chars().count(),
            format!("is longer than {TEXT} characters"),
            "split it into several dashboards",
        ));
    }
    let mut wrong: HashMap<String, SqlProblem> = HashMap::new();
    let tiles = Definitions::read_dashboard(&text).map_or_else(Vec::new, |it| it.tiles);
    for sql in tiles.iter().filter_map(|tile| tile.sql.as_ref()) {
        if let Err(problem) = query::check(app, definitions, sql).await {
            wrong.insert(sql.clone(), problem);
        }
    }
    let dashboard = definitions
        .own_dashboard(&text, &|sql| wrong.get(sql).cloned().map_or(Ok(()), Err))
        .map_err(refused)?;
    if dashboard.id != id {
        return Err(Problem::field(
            "id",
            &dashboard.id,
            format!("is not the id of this dashboard, which is {id}"),
            format!("write `id: {id}`; another dashboard is added, not renamed"),
        ));
    }
    named(&dashboard.title)?;
    Ok((text, dashboard))
}

/// Whether a title can be one.
fn named(title: &str) -> Result<()> {
    let length = title.trim().chars().count();
    if (1..=TITLE).contains(&length) {
        return Ok(());
    }
    Err(Problem::field(
        "title",
        title,
        format!("has {length} characters"),
        format!("write a name of 1 to {TITLE} characters"),
    ))
}

/// The faults of a definition as those of a request.
fn refused(problems: Vec<definitions::Problem>) -> Problem {
    let mut problem = Problem::field("definition", "", "does not hold together", "correct its fields");
    problem.errors = problems.into_iter().map(fault).collect();
    if let Some(first) = problem.errors.first() {
        problem.detail = format!("{}: {} {}", first.field, first.problem, first.remedy);
    }
    problem
}

fn fault(it: definitions::Problem) -> FieldError {
    let near = it
        .nearest
        .map_or_else(String::new, |near| format!(" Did you mean {near}?"));
    FieldError {
        field: if it.path.is_empty() {
            format!("line {}", it.line)
        } else {
            it.path
        },
        value: it.name,
        problem: format!("{}{near}", it.problem),
        remedy: it.remedy,
    }
}

/// What the program in force no longer lets a dashboard's tiles show, in words, by the number of the tile. A default segment that is gone
/// is dropped.
pub fn outdated(definitions: &Definitions, text: &str, dashboard: &mut Dashboard) -> BTreeMap<usize, String> {
    let mut faults = BTreeMap::new();
    let Err(problems) = definitions.own_dashboard(text, &|_| Ok(())) else {
        return faults;
    };
    for problem in problems {
        if problem.path == "segment" {
            dashboard.segment = None;
        }
        let number = problem
            .path
            .strip_prefix("tiles[")
            .and_then(|rest| rest.split(']').next()?.parse::<usize>().ok());
        if let Some(number) = number {
            let words = fault(problem);
            faults
                .entry(number)
                .or_insert_with(|| format!("{} {}", words.problem, words.remedy));
        }
    }
    faults
}

/// The `ETag` of a version.
pub fn tag(version: i64) -> String {
    format!("\"{version}\"")
}

/// The version that a change was made from, out of `If-Match`.
///
/// # Errors
/// 428 without the header, 400 when it is none of ours.
pub fn seen(headers: &HeaderMap) -> Result<i64> {
    let Some(value) = headers.get(header::IF_MATCH) else {
        return Err(Problem::new(
            StatusCode::PRECONDITION_REQUIRED,
            "if_match_needed",
            "The version that you saw is needed",
            "send the `ETag` of the dashboard that you read as `If-Match`, so that nobody's change is overwritten",
        ));
    };
    let text = value.to_str().unwrap_or_default().trim();
    let text = text.strip_prefix("W/").unwrap_or(text).trim_matches('"');
    text.parse().map_err(|_| {
        Problem::bad_request(
            "If-Match is not an `ETag` of a dashboard: send the one that reading it gave, such as \"3\"",
        )
    })
}
