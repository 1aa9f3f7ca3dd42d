//! Files that come through the browser: pieces, archives, ownership, and the way to an import.

use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use serde_json::{Value as Json, json};

use super::{Desk, counts, sums_up};
use crate::auth::Role;

/// A zip archive written by hand: name, content, whether it is deflated.
pub(super) fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    zip_saying(files, &|size| size)
}

/// The same, with another size than the true one in its list of contents.
fn zip_saying(files: &[(&str, &[u8])], says: &dyn Fn(u32) -> u32) -> Vec<u8> {
    let (mut out, mut list) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let mut deflated = DeflateEncoder::new(Vec::new(), Compression::best());
        deflated.write_all(content).expect("memory");
        let packed = deflated.finish().expect("memory");
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let size = says(u32::try_from(content.len()).expect("small"));
        let (packed_size, at) = (
            u32::try_from(packed.len()).expect("small"),
            u32::try_from(out.len()).expect("small"),
        );
        let name_size = u16::try_from(name.len()).expect("short").to_le_bytes();
        // 12:30:00 on 2026-05-17.
        let stamp = [
            ((12u16 << 11) | (30 << 5)).to_le_bytes(),
            ((46u16 << 9) | (5 << 5) | 17).to_le_bytes(),
        ]
        .concat();
        let common: Vec<u8> = [
            &[20, 0, 0, 0, 8, 0][..],
            &stamp,
            &crc.sum().to_le_bytes(),
            &packed_size.to_le_bytes(),
            &size.to_le_bytes(),
            &name_size,
            &[0, 0],
        ]
        .concat();
        out.extend([&b"PK\x03\x04"[..], &common, name.as_bytes(), &packed].concat());
        list.extend(
            [
                &b"PK\x01\x02"[..],
                &[20, 0],
                &common,
                &[0; 2],
                &[0; 2],
                &[0; 2],
                &[0; 4],
                &at.to_le_bytes(),
                name.as_bytes(),
            ]
            .concat(),
        );
    }
    let (count, bytes, at) = (
        u16::try_from(files.len()).expect("few").to_le_bytes(),
        u32::try_from(list.len()).expect("small"),
        u32::try_from(out.len()).expect("small"),
    );
    out.extend(&list);
    out.extend(
        [
            &b"PK\x05\x06"[..],
            &[0; 4],
            &count,
            &count,
            &bytes.to_le_bytes(),
            &at.to_le_bytes(),
            &[0, 0],
        ]
        .concat(),
    );
    out
}

impl Desk {
    pub(super) async fn upload(&self) -> String {
        let it = self.app.post("/api/v1/uploads").as_role(Role::Manager).await.ok();
        it["id"].as_str().expect("an id").to_owned()
    }

    async fn announce(&self, upload: &str, name: &str, bytes: usize) -> Json {
        let form = json!({ "name": name, "bytes": bytes, "modified_at": "2026-06-01T00:00:00Z" });
        self.app
            .post(&format!("/api/v1/uploads/{upload}/files"))
            .as_role(Role::Manager)
            .json(&form)
            .await
            .ok()
    }

    /// Sends a file in one piece and waits until it is looked at; returns the upload.
    pub(super) async fn send(&self, upload: &str, name: &str, content: &[u8]) -> Json {
        let file = self.announce(upload, name, content.len()).await;
        let id = file["id"].as_str().expect("an id");
        self.app
            .put(&format!("/api/v1/uploads/{upload}/files/{id}/content?offset=0"))
            .as_role(Role::Manager)
            .body(content.to_vec())
            .await
            .ok();
        self.settled(upload).await
    }

    async fn shown(&self, upload: &str) -> Json {
        self.app
            .get(&format!("/api/v1/uploads/{upload}"))
            .as_role(Role::Manager)
            .await
            .ok()
    }

    /// The upload when nothing is being unpacked any more.
    async fn settled(&self, upload: &str) -> Json {
        for _ in 0..1_000 {
            let it = self.shown(upload).await;
            let files = it["files"].as_array().expect("files");
            if files.iter().all(|file| file["state"] != "unpacking") {
                return it;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("the archive was not unpacked within ten seconds");
    }

    pub(super) async fn detail(&self, upload: &str, name: &str) -> Json {
        let it = self.shown(upload).await;
        let files = it["files"].as_array().expect("files");
        let file = files
            .iter()
            .find(|file| file["name"] == name)
            .unwrap_or_else(|| panic!("{name} in {it}"));
        let id = file["id"].as_str().expect("an id");
        self.app
            .get(&format!("/api/v1/uploads/{upload}/files/{id}"))
            .as_role(Role::Manager)
            .await
            .ok()
    }

    async fn run(&self, upload: &str, dry_run: bool) -> Json {
        let started = self
            .app
            .post(&format!("/api/v1/uploads/{upload}/imports"))
            .as_role(Role::Manager)
            .json(&json!({ "dry_run": dry_run }))
            .await
            .ok();
        let done = self.ended(started["id"].as_str().expect("an id")).await;
        sums_up(&done);
        done
    }

    async fn refused(&self, name: &str, content: &[u8]) -> String {
        let upload = self.upload().await;
        let it = self.send(&upload, name, content).await;
        assert_eq!(it["files"].as_array().expect("files").len(), 1, "{it}");
        assert_eq!(it["files"][0]["state"], "refused", "{it}");
        it["files"][0]["note"].as_str().expect("a note").to_owned()
    }
}

const ACCOUNTS: &str = "account_id,account_name,Plan Tier\nA-1,Ash,pro\nA-2,Birch,basic\n";
const TICKETS: &str = "ticket_id,account_id,created,closed\nT-1,A-1,2026-03-01T09:00:00Z,2026-03-02T09:00:00Z\nT-2,A-9,2026-03-01T09:00:00Z,\n";

#[tokio::test]
async fn a_zip_becomes_one_import_in_the_right_order_and_a_reject_is_mended_in_place() {
    let desk = Desk::new().await;
    let upload = desk.upload().await;
    let packed = zip(&[
        ("data/tickets.csv", TICKETS.as_bytes()),
        ("data/accounts.csv", ACCOUNTS.as_bytes()),
        ("__MACOSX/._x", b"x"),
    ]);
    let it = desk.send(&upload, "company.zip", &packed).await;
    let kinds: Vec<(&str, &str)> = it["files"]
        .as_array()
        .expect("files")
        .iter()
        .map(|file| {
            (
                file["name"].as_str().expect("a name"),
                file["kind"].as_str().expect("a kind"),
            )
        })
        .collect();
    assert_eq!(kinds, [("tickets.csv", "tickets"), ("accounts.csv", "accounts")]);
    let tried = desk.run(&upload, true).await;
    // A trial knows the accounts that the files before would make.
    assert_eq!(counts(&tried), [4, 3, 0, 1]);
    assert_eq!(desk.count("accounts").await, 0);
    let done = desk.run(&upload, false).await;
    assert_eq!(counts(&done), [4, 3, 0, 1]);
    assert_eq!(done["files"][0]["kind"], "accounts");
    let rejects = desk
        .app
        .get("/api/v1/rejects?state=open")
        .as_role(Role::Csm)
        .await
        .ok();
    let reject = &rejects["items"][0];
    assert_eq!(
        (&reject["field"], &reject["value"]),
        (&json!("account_id"), &json!("A-9"))
    );
    let mut record: Json = serde_json::from_str(reject["record"].as_str().expect("text")).expect("an object");
    let path = format!(
        "/api/v1/rejects/{}/corrections",
        reject["id"].as_str().expect("an id")
    );
    // Still wrong: the reason is the new one.
    record["account_id"] = json!("A-2");
    record["created"] = json!("yesterday");
    let still = desk
        .app
        .post(&path)
        .as_role(Role::Csm)
        .json(&json!({ "record": record, "was": reject["record"] }))
        .await
        .ok();
    assert_eq!(
        (&still["state"], &still["field"]),
        (&json!("open"), &json!("opened_at"))
    );
    // Whoever looks at the record as it was is told.
    desk.app
        .post(&path)
        .as_role(Role::Csm)
        .json(&json!({ "record": record, "was": reject["record"] }))
        .await
        .problem(409);
    record["created"] = json!("2026-03-01T09:00:00Z");
    let form = json!({ "record": record, "was": still["record"] });
    let mended = desk.app.post(&path).as_role(Role::Csm).json(&form).await.ok();
    assert_eq!(mended["state"], "replayed");
    assert_eq!(desk.count("reject_corrections").await, 2);
    let opened: Vec<Json> = desk
        .events()
        .into_iter()
        .filter(|it| it["name"] == "ticket_opened")
        .collect();
    assert_eq!(
        opened.iter().map(|it| &it["account"]).collect::<Vec<_>>(),
        ["A-1", "A-2"]
    );
    // The same again changes nothing.
    let again = desk.app.post(&path).as_role(Role::Csm).json(&form).await.ok();
    assert_eq!(again["state"], "replayed");
    assert_eq!(desk.count("reject_corrections").await, 2);
}

#[tokio::test]
async fn what_was_sent_goes_on_where_it_stopped() {
    let desk = Desk::new().await;
    let upload = desk.upload().await;
    let content = ACCOUNTS.as_bytes();
    let file = desk.announce(&upload, "accounts.csv", content.len()).await;
    let id = file["id"].as_str().expect("an id").to_owned();
    let put = |offset: usize, part: &[u8]| {
        desk.app
            .put(&format!(
                "/api/v1/uploads/{upload}/files/{id}/content?offset={offset}"
            ))
            .as_role(Role::Manager)
            .changes_nothing()
            .body(part.to_vec())
    };
    assert_eq!(put(0, &content[..10]).await.ok()["received"], 10);
    // A piece that leaves a gap, and one that came already.
    put(20, &content[20..]).await.problem(409);
    put(0, &content[..10]).await.problem(409);
    // The same file announced again is the same file, and goes on after what came, also after a restart.
    assert_eq!(
        desk.announce(&upload, "accounts.csv", content.len()).await["id"],
        id.as_str()
    );
    assert_eq!(desk.shown(&upload).await["files"][0]["received"], 10);
    // More than the file is said to have.
    put(10, &[content, content].concat()).await.problem(422);
    assert_eq!(desk.shown(&upload).await["files"][0]["received"], 10);
    let whole = put(10, &content[10..]).await.ok();
    assert_eq!(
        (&whole["state"], &whole["kind"]),
        (&json!("ready"), &json!("accounts"))
    );
    // The answer to the last piece may be lost; sending it again is no fault.
    assert_eq!(put(10, &content[10..]).await.ok()["state"], "ready");
    assert_eq!(counts(&desk.run(&upload, false).await), [2, 2, 0, 0]);
    // The same file once more is known.
    let second = desk.upload().await;
    desk.send(&second, "accounts.csv", content).await;
    let done = desk.run(&second, false).await;
    assert_eq!(counts(&done), [2, 0, 2, 0]);
    assert!(
        done["note"]
            .as_str()
            .expect("a note")
            .starts_with("already imported")
    );
}

#[tokio::test]
async fn archives_that_climb_lie_or_swell_are_refused() {
    let desk = Desk::new().await;
    for path in [
        "../../evil.csv",
        "/etc/evil.csv",
        "a/../../evil.csv",
        "..\\evil.csv",
        "C:\\evil.csv",
    ] {
        let note = desk.refused("wild.zip", &zip(&[(path, b"a,b\n1,2\n")])).await;
        assert!(note.contains("leads out of the archive's folder"), "{note}");
    }
    let outside = desk.app.config.data.join("evil.csv");
    assert!(!outside.exists() && !desk.app.config.data.join("uploads/evil.csv").exists());
    // Twenty megabytes of nothing in twenty kilobytes.
    let note = desk
        .refused("bomb.zip", &zip(&[("a.csv", &vec![b'0'; 20 << 20])]))
        .await;
    assert!(note.contains("more than 200 times its size"), "{note}");
    // The same with a list of contents that says ten bytes.
    let note = desk
        .refused(
            "liar.zip",
            &zip_saying(&[("a.csv", &vec![b'0'; 20 << 20])], &|_| 10),
        )
        .await;
    assert!(note.contains("more than the archive says"), "{note}");
    // One that says that it holds more than a disk.
    let huge = zip_saying(&[("a.csv", b"x".as_slice()); 5], &|_| u32::MAX - 1);
    let note = desk.refused("huge.zip", &huge).await;
    assert!(
        note.contains("unpacks to more than 16 GB") || note.contains("times its size"),
        "{note}"
    );
    let book = zip(&[("[Content_Types].xml", b"<x/>"), ("xl/workbook.xml", b"<x/>")]);
    assert!(desk.refused("book.xlsx", &book).await.contains("Excel workbook"));
    let good = zip(&[("a.csv", ACCOUNTS.as_bytes())]);
    assert!(
        desk.refused("cut.zip", &good[..good.len() - 30])
            .await
            .contains("damaged")
    );
    let mut broken = good.clone();
    broken[40] ^= 0xFF;
    assert!(desk.refused("broken.zip", &broken).await.contains("damaged"));
    // What is refused is not imported.
    let upload = desk.upload().await;
    desk.send(&upload, "cut.zip", &good[..good.len() - 30]).await;
    let start = desk
        .app
        .post(&format!("/api/v1/uploads/{upload}/imports"))
        .as_role(Role::Manager)
        .json(&json!({}));
    start.await.problem(422);
}

#[tokio::test]
async fn only_ones_own_files_are_seen_and_imported() {
    let desk = Desk::new().await;
    let upload = desk.upload().await;
    let it = desk.send(&upload, "accounts.csv", ACCOUNTS.as_bytes()).await;
    let file = it["files"][0]["id"].as_str().expect("an id").to_owned();
    let home = format!("/api/v1/uploads/{upload}");
    for path in [
        home.clone(),
        format!("{home}/files/{file}"),
        format!("{home}/files/{file}/map"),
    ] {
        desk.app.get(&path).as_role(Role::Admin).await.problem(404);
    }
    desk.app
        .post(&format!("{home}/imports"))
        .as_role(Role::Admin)
        .json(&json!({}))
        .await
        .problem(404);
    desk.app.delete(&home).as_role(Role::Admin).await.problem(404);
    assert_eq!(
        desk.app.get("/api/v1/uploads").as_role(Role::Admin).await.ok()["uploads"],
        json!([])
    );
    // A map cannot read what lies elsewhere.
    let map = "fields: {account_id: account_id, name: {column: account_id, lookup: {file: ../../records.kind, key: a, value: b}}}\n";
    let asked = json!({ "kind": "accounts", "map": map });
    let look = desk
        .app
        .post(&format!("{home}/files/{file}/preview"))
        .as_role(Role::Manager)
        .json(&asked)
        .await
        .ok();
    assert_eq!(
        look["problem"]["problem"],
        "“../../records.kind” leads out of the folder"
    );
    // Names are only names.
    let it = desk
        .send(&upload, "../../etc/passwd", b"account_id,name\nA-3,Cedar\n")
        .await;
    assert_eq!(it["files"][1]["name"], "passwd");
    // Two weeks later all of it is gone, but for what was imported.
    desk.run(&upload, true).await;
    desk.app.advance(jiff::SignedDuration::from_hours(24 * 13));
    assert_eq!(crate::imports::forget_old(&desk.app).await.expect("records"), 0);
    desk.app.advance(jiff::SignedDuration::from_hours(25));
    assert_eq!(crate::imports::forget_old(&desk.app).await.expect("records"), 1);
    assert!(!desk.app.config.data.join("uploads").join(&upload).exists());
    desk.app.get(&home).as_role(Role::Manager).await.problem(404);
}

#[tokio::test]
async fn a_corrected_map_is_kept_and_remembered_for_the_next_file_with_its_header() {
    let desk = Desk::new().await;
    let upload = desk.upload().await;
    let text = "Kunde,Firma,Umsatz,Status\nK-1,Nord,\"1.200,50\",aktiv\nK-2,Süd,80,intern\n";
    desk.send(&upload, "kunden.csv", text.as_bytes()).await;
    let detail = desk.detail(&upload, "kunden.csv").await;
    let file = detail["file"]["id"].as_str().expect("an id").to_owned();
    let path = format!("/api/v1/uploads/{upload}/files/{file}");
    let document = json!({ "decimal": ",", "skip_when": "Status = 'intern'", "others": "ignore",
        "fields": { "account_id": "Kunde", "name": "Firma", "mrr": { "formula": "Umsatz / 2" }, "currency": { "constant": "EUR" } } });
    let version = detail["file"]["version"].as_i64().expect("a number");
    let change = json!({ "version": version, "kind": "accounts", "document": document });
    let kept = desk
        .app
        .patch(&path)
        .as_role(Role::Manager)
        .json(&change)
        .await
        .ok();
    assert_eq!(kept["look"]["problem"], Json::Null, "{kept}");
    assert_eq!(
        kept["look"]["sample"],
        json!({ "rows": 2, "good": 1, "rejected": 0, "skipped": 1 })
    );
    assert_eq!(kept["look"]["rows"][0]["becomes"][0]["mrr"], json!(600.25));
    // A change to what is no longer there is refused.
    desk.app
        .patch(&path)
        .as_role(Role::Manager)
        .json(&change)
        .await
        .problem(409);
    // A map that does not hold is kept and said to be wrong.
    let wrong = json!({ "version": version + 1, "document": { "fields": { "account_id": "Kunde", "name": "Frima" } } });
    let said = desk
        .app
        .patch(&path)
        .as_role(Role::Manager)
        .json(&wrong)
        .await
        .ok();
    assert_eq!(said["look"]["problem"]["at"], "fields.name");
    let right = json!({ "version": version + 2, "kind": "accounts", "document": document });
    desk.app
        .patch(&path)
        .as_role(Role::Manager)
        .json(&right)
        .await
        .ok();
    let yaml = desk.app.get(&format!("{path}/map")).as_role(Role::Manager).await;
    assert_eq!(
        yaml.header("content-disposition"),
        Some("attachment; filename=\"kunden.map.yaml\"")
    );
    assert_eq!(counts(&desk.run(&upload, false).await), [2, 1, 0, 0]);
    // The command line reads the same text to the same end.
    let other = Desk::new().await;
    let csv = other.file("kunden.csv", text);
    let done = other.mapped(&csv, "accounts", &yaml.text()).await;
    assert_eq!(counts(&done), [2, 1, 0, 0]);
    assert_eq!(other.known().await, desk.known().await);
    // Another order of columns, another spelling of them: the same header.
    let next = desk.upload().await;
    let it = desk
        .send(
            &next,
            "next.csv",
            "firma;status;kunde;umsatz\nWest;aktiv;K-3;12,5\n".as_bytes(),
        )
        .await;
    assert_eq!(it["files"][0]["remembered"], true);
}
