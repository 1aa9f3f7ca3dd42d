//! SQL of merges.

use std::collections::{BTreeMap, HashMap, HashSet};

use tenure_store::{Batch, Conflict, Execute, Row, StoreError, StoreResult, Tx, Value, args, placeholders};

use super::super::{AccountNo, Directory};
use super::rules::{self, Told, combine};
use super::{Choices, Merge};

const MERGE: &str =
    "SELECT id, merged_no, survivor_no, choices, at, actor, parted_at, parted_by FROM account_merges";

fn merge_row(row: &Row) -> StoreResult<Merge> {
    let choices: String = row.get("choices")?;
    Ok(Merge {
        id: row.get("id")?,
        merged: AccountNo::new(row.get("merged_no")?),
        survivor: AccountNo::new(row.get("survivor_no")?),
        choices: serde_json::from_str::<Choices>(&choices).unwrap_or_default(),
        at: row.get("at")?,
        actor: row.get("actor")?,
        parted_at: row.get("parted_at")?,
        parted_by: row.get("parted_by")?,
    })
}

/// Puts the standing merges into the directory.
///
/// # Errors
/// When the records fail.
pub async fn load(on: &impl Execute, directory: &Directory) -> StoreResult<()> {
    let mut pairs = BTreeMap::new();
    let mut steps = HashSet::new();
    let sql = "SELECT merged_no, survivor_no, seq, parted_seq FROM account_merges";
    for row in on.all(sql, vec![]).await? {
        steps.insert(row.get::<i64>("seq")?);
        match row.get::<Option<i64>>("parted_seq")? {
            Some(seq) => {
                steps.insert(seq);
            }
            None => {
                pairs.insert(row.get("merged_no")?, row.get("survivor_no")?);
            }
        }
    }
    let mut contacts = HashMap::new();
    let sql = "SELECT merged_id, survivor_id, seq, parted_seq, parted_at FROM contact_merges";
    for row in on.all(sql, vec![]).await? {
        steps.insert(row.get::<i64>("seq")?);
        steps.extend(row.get::<Option<i64>>("parted_seq")?);
        if row.get::<Option<i64>>("parted_at")?.is_none() {
            contacts.insert(row.get("merged_id")?, row.get("survivor_id")?);
        }
    }
    directory.stand(&pairs, contacts, steps);
    Ok(())
}

/// The merge with this id.
///
/// # Errors
/// When the records fail.
pub async fn raw(on: &impl Execute, id: &str) -> StoreResult<Option<Merge>> {
    on.one(&format!("{MERGE} WHERE id = $1"), args![id])
        .await?
        .as_ref()
        .map(merge_row)
        .transpose()
}

/// Merges, the newest first, from before a place on.
///
/// # Errors
/// When the records fail.
pub async fn merges(on: &impl Execute, before: (i64, &str), limit: i64) -> StoreResult<Vec<Merge>> {
    let sql = format!("{MERGE} WHERE at < $1 OR (at = $1 AND id < $2) ORDER BY at DESC, id DESC LIMIT $3");
    on.all(&sql, args![before.0, before.1, limit])
        .await?
        .iter()
        .map(merge_row)
        .collect()
}

/// All standing merges, the oldest first.
///
/// # Errors
/// When the records fail.
pub async fn standing(on: &impl Execute) -> StoreResult<Vec<Merge>> {
    on.all(
        &format!("{MERGE} WHERE parted_at IS NULL ORDER BY at, id"),
        vec![],
    )
    .await?
    .iter()
    .map(merge_row)
    .collect()
}

/// Keeps a merge that takes effect at step `seq` of the log.
///
/// # Errors
/// `Conflict` when the account has been merged in the meantime.
pub async fn merge(tx: &Tx, merge: &Merge, seq: i64) -> StoreResult<()> {
    // Whoever merges waits here, so that what follows sees all other merges.
    lock(tx).await?;
    let (merged, survivor) = (merge.merged.get(), merge.survivor.get());
    if standing(tx)
        .await?
        .iter()
        .any(|it| it.merged.get() == merged || it.merged.get() == survivor)
    {
        return Err(StoreError::Conflict(
            "one of these accounts has been merged in the meantime: read the list again".to_owned(),
        ));
    }
    let mut batch = Batch::new(
        "account_merges",
        &["id", "merged_no", "survivor_no", "choices", "at", "actor", "seq"],
    );
    let choices = serde_json::to_string(&merge.choices).unwrap_or_else(|_| "{}".to_owned());
    batch.row(args![
        merge.id.as_str(),
        merged,
        survivor,
        choices,
        merge.at,
        merge.actor.as_str(),
        seq
    ]);
    tx.insert(batch, Conflict::Fail).await?;
    write_roots(tx).await
}

/// Ends a merge at step `seq` of the log; false when it had been ended.
///
/// # Errors
/// When the records fail.
pub async fn part(tx: &Tx, id: &str, by: &str, at: i64, seq: i64) -> StoreResult<bool> {
    lock(tx).await?;
    let sql = "UPDATE account_merges SET parted_at = $1, parted_by = $2, parted_seq = $3 WHERE id = $4 AND parted_at IS NULL";
    let done = tx.run(sql, args![at, by, seq, id]).await? == 1;
    write_roots(tx).await?;
    Ok(done)
}

async fn lock(tx: &Tx) -> StoreResult<()> {
    let sql = "INSERT INTO settings (key, value) VALUES ('accounts.merges', '') ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    tx.run(sql, vec![]).await?;
    Ok(())
}

/// Writes what each merged account is read as at the end of its chain.
async fn write_roots(tx: &Tx) -> StoreResult<()> {
    let pairs = standing(tx)
        .await?
        .into_iter()
        .map(|it| (it.merged.get(), it.survivor.get()))
        .collect();
    tx.run("DELETE FROM account_roots", vec![]).await?;
    let mut batch = Batch::new("account_roots", &["no", "root_no"]);
    for (no, root) in super::roots(&pairs) {
        batch.row(args![no, root]);
    }
    tx.insert(batch, Conflict::Fail).await?;
    Ok(())
}

/// Under this name, which no field has, stands the first day of which anything is known, where not all fields are read.
pub const FIRST: &str = "";

/// What is told of each of these accounts under its own number, merges aside. At most a few hundred at once.
///
/// # Errors
/// When the records fail.
pub async fn own(on: &impl Execute, nos: &[i64]) -> StoreResult<BTreeMap<i64, Told>> {
    own_fields(on, nos, None).await
}

/// As [`own`], with the past of some fields only, and under [`FIRST`] the first day of which anything is known.
async fn own_fields(
    on: &impl Execute,
    nos: &[i64],
    fields: Option<&[String]>,
) -> StoreResult<BTreeMap<i64, Told>> {
    let mut found = present(on, nos).await?;
    if found.is_empty() {
        return Ok(found);
    }
    let (among, mut values) = among(nos);
    let mut sql =
        format!("SELECT account_no, field, day, value, at FROM account_changes WHERE account_no {among}");
    if let Some(fields) = fields {
        let from = values.len();
        let wanted: Vec<String> = (1..=fields.len()).map(|at| format!("${}", from + at)).collect();
        values.extend(fields.iter().map(|field| Value::from(field.as_str())));
        let wanted = if wanted.is_empty() {
            "NULL".to_owned()
        } else {
            wanted.join(", ")
        };
        sql = format!(
            "{sql} AND field IN ({wanted}) UNION ALL SELECT account_no, '{FIRST}', MIN(day), NULL, 0 FROM account_changes \
             WHERE account_no {among} AND day > {} GROUP BY account_no",
            i32::MIN
        );
    }
    for row in on.all(&sql, values).await? {
        let value: Option<String> = row.get("value")?;
        let value = value.and_then(|text| serde_json::from_str(&text).ok());
        if let Some(told) = found.get_mut(&row.get::<i64>("account_no")?) {
            let of: &mut BTreeMap<i64, rules::Row> = told.history.entry(row.get("field")?).or_default();
            of.insert(
                row.get("day")?,
                rules::Row {
                    value: value.unwrap_or_default(),
                    at: row.get("at")?,
                },
            );
        }
    }
    Ok(found)
}

/// How some of the numbers are asked for: “is one of these”, or, where they lie close together as all accounts do, “lies between”, which a
/// database reads in a fraction of the time and which may answer with others too. What stands behind the column's name, and its values.
pub fn among(nos: &[i64]) -> (String, Vec<Value>) {
    let (first, last) = (nos.iter().min().copied(), nos.iter().max().copied());
    if let (Some(first), Some(last)) = (first, last)
        && last.abs_diff(first) < 2 * nos.len() as u64
    {
        return ("BETWEEN $1 AND $2".to_owned(), vec![first.into(), last.into()]);
    }
    let list = placeholders(nos.len());
    let values = nos.iter().map(|no| Value::from(*no)).collect();
    (format!("IN ({list})"), values)
}

/// As [`own`], without the past of the fields.
async fn present(on: &impl Execute, nos: &[i64]) -> StoreResult<BTreeMap<i64, Told>> {
    // An empty list between brackets is a mistake to one of the two databases.
    if nos.is_empty() {
        return Ok(BTreeMap::new());
    }
    let (among, values) = among(nos);
    let wanted: HashSet<i64> = nos.iter().copied().collect();
    let mut found = BTreeMap::new();
    let sql =
        format!("SELECT no, id, name, owner, parent_id, stub, attributes FROM accounts WHERE no {among}");
    for row in on.all(&sql, values).await? {
        let no: i64 = row.get("no")?;
        if !wanted.contains(&no) {
            continue;
        }
        let attributes: String = row.get("attributes")?;
        let told = Told {
            id: row.get("id")?,
            name: row.get("name")?,
            owner: row.get("owner")?,
            parent: row.get("parent_id")?,
            stub: row.get("stub")?,
            attributes: serde_json::from_str(&attributes).unwrap_or_default(),
            history: BTreeMap::new(),
        };
        found.insert(no, told);
    }
    Ok(found)
}

/// What is told of these accounts, merged ones shown in those that they were merged into and not by themselves.
///
/// # Errors
/// When the records fail.
pub async fn told(on: &impl Execute, nos: &[i64]) -> StoreResult<BTreeMap<i64, Told>> {
    read(on, nos, Past::Whole).await
}

/// As [`told`], with the past of these fields only, and under [`FIRST`] the first day of which anything is known. Accounts that others were
/// merged into tell all of it.
///
/// # Errors
/// When the records fail.
pub async fn told_of(on: &impl Execute, nos: &[i64], fields: &[String]) -> StoreResult<BTreeMap<i64, Told>> {
    read(on, nos, Past::Of(fields)).await
}

/// As [`told`], without the past of the fields: what is shown today costs much less to read than how it came about.
///
/// # Errors
/// When the records fail.
pub async fn told_now(on: &impl Execute, nos: &[i64]) -> StoreResult<BTreeMap<i64, Told>> {
    read(on, nos, Past::None).await
}

/// Which fields' past is read.
#[derive(Clone, Copy)]
enum Past<'a> {
    Whole,
    Of(&'a [String]),
    None,
}

async fn read(on: &impl Execute, nos: &[i64], past: Past<'_>) -> StoreResult<BTreeMap<i64, Told>> {
    const CHUNK: usize = 500;
    let mut all = BTreeMap::new();
    for chunk in nos.chunks(CHUNK) {
        let (among, values) = among(chunk);
        let wanted: HashSet<i64> = chunk.iter().copied().collect();
        let sql = format!("SELECT no, root_no FROM account_roots WHERE root_no {among} OR no {among}");
        let (mut roots, mut members) = (HashSet::new(), Vec::new());
        for row in on.all(&sql, values).await? {
            let (no, root) = (row.get::<i64>("no")?, row.get::<i64>("root_no")?);
            if wanted.contains(&no) || wanted.contains(&root) {
                members.push(no);
                roots.insert(root);
            }
        }
        let merged: HashSet<i64> = members.iter().copied().collect();
        let alone: Vec<i64> = chunk
            .iter()
            .copied()
            .filter(|no| !merged.contains(no) && !roots.contains(no))
            .collect();
        all.extend(match past {
            Past::Whole => own(on, &alone).await?,
            Past::Of(fields) => own_fields(on, &alone, Some(fields)).await?,
            Past::None => present(on, &alone).await?,
        });
        let asked: Vec<i64> = chunk.iter().copied().filter(|no| roots.contains(no)).collect();
        if !asked.is_empty() {
            all.extend(joined(on, &asked, &members).await?);
        }
    }
    Ok(all)
}

/// What is shown of accounts that others were merged into.
async fn joined(on: &impl Execute, roots: &[i64], members: &[i64]) -> StoreResult<BTreeMap<i64, Told>> {
    let mut into: HashMap<i64, Vec<Merge>> = HashMap::new();
    for it in standing(on).await? {
        into.entry(it.survivor.get()).or_default().push(it);
    }
    let mut each = BTreeMap::new();
    let nos: Vec<i64> = roots.iter().chain(members).copied().collect();
    for chunk in nos.chunks(500) {
        each.extend(own(on, chunk).await?);
    }
    Ok(roots
        .iter()
        .filter_map(|no| Some((*no, shown(*no, &into, &mut each)?)))
        .collect())
}

fn shown(no: i64, into: &HashMap<i64, Vec<Merge>>, each: &mut BTreeMap<i64, Told>) -> Option<Told> {
    let mut told = each.remove(&no)?;
    for merge in into.get(&no).into_iter().flatten() {
        if let Some(other) = shown(merge.merged.get(), into, each) {
            told = combine(told, other, &merge.choices, merge.at);
        }
    }
    Some(told)
}
