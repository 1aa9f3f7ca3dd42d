//! Encodings, delimiters, formats, and files that are not what they seem.

use std::io::Write;

use encoding_rs::{UTF_16LE, WINDOWS_1252};
use serde_json::json;

use super::Desk;
use crate::imports::read::{Hints, Record, Source};

fn write(content: impl AsRef<[u8]>) -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("rows.csv");
    std::fs::write(&path, content).expect("a file");
    (dir, path)
}

/// Column names, then each row with its line; a fault as `!reason`.
fn table(content: impl AsRef<[u8]>) -> Result<Vec<String>, String> {
    let (_dir, path) = write(content);
    let source = Source::open(&path, &Hints::default()).map_err(|error| error.to_string())?;
    let mut out = Vec::new();
    let mut rows = source
        .records(source.start.0, source.start.1)
        .map_err(|error| error.to_string())?;
    let mut record = Record::default();
    while rows.next(&mut record).map_err(|error| error.to_string())? {
        let cells: Vec<&str> = (0..record.len()).map(|at| record.cell(at)).collect();
        let fault = record
            .fault
            .as_ref()
            .map_or_else(String::new, |fault| format!(" !{}", fault.reason));
        out.push(format!("{}: {}{fault}", record.line, cells.join(" / ")));
    }
    out.insert(0, rows.columns().names().join(" / "));
    Ok(out)
}

fn utf16(text: &str, little: bool) -> Vec<u8> {
    text.encode_utf16()
        .flat_map(|unit| {
            if little {
                unit.to_le_bytes()
            } else {
                unit.to_be_bytes()
            }
        })
        .collect()
}

#[test]
fn delimiters_are_found_out() {
    for (delimiter, name) in [(",", "comma"), (";", "semicolon"), ("\t", "tab"), ("|", "bar")] {
        let text = format!(
            "id{delimiter}name{delimiter}amount\n1{delimiter}Ann{delimiter}5\n2{delimiter}Bob{delimiter}6\n"
        );
        assert_eq!(
            table(text).expect(name),
            ["id / name / amount", "2: 1 / Ann / 5", "3: 2 / Bob / 6"],
            "{name}"
        );
    }
    // Commas inside the cells of a semicolon file, and the other way round.
    assert_eq!(
        table("id;name;amount\n1;Müller, Ann;1,50\n2;Weiß, Bob;2,75\n").expect("semicolons"),
        [
            "id / name / amount",
            "2: 1 / Müller, Ann / 1,50",
            "3: 2 / Weiß, Bob / 2,75"
        ]
    );
    assert_eq!(
        table("id,note\n1,a;b;c\n2,d;e;f\n").expect("commas"),
        ["id / note", "2: 1 / a;b;c", "3: 2 / d;e;f"]
    );
}

#[test]
fn encodings_are_found_out() {
    let text = "id,name\n1,Café Zürich\n2,Señor Ångström\n";
    let expected = ["id / name", "2: 1 / Café Zürich", "3: 2 / Señor Ångström"];
    let mut bom = b"\xEF\xBB\xBF".to_vec();
    bom.extend_from_slice(text.as_bytes());
    let mut little = b"\xFF\xFE".to_vec();
    little.extend(utf16(text, true));
    let mut big = b"\xFE\xFF".to_vec();
    big.extend(utf16(text, false));
    let western = WINDOWS_1252.encode(text).0.into_owned();
    assert_ne!(western, text.as_bytes());
    for (name, bytes) in [
        ("UTF-8", text.as_bytes().to_vec()),
        ("UTF-8 with mark", bom),
        ("UTF-16LE with mark", little),
        ("UTF-16BE with mark", big),
        ("UTF-16LE without mark", utf16(text, true)),
        ("UTF-16BE without mark", utf16(text, false)),
        ("Windows-1252", western),
    ] {
        assert_eq!(table(&bytes).expect(name), expected, "{name}");
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&bytes).expect("packed");
        assert_eq!(
            table(packed.finish().expect("packed")).expect(name),
            expected,
            "{name}, packed"
        );
    }
    assert_eq!(UTF_16LE.name(), "UTF-16LE");
}

#[test]
fn a_row_in_another_encoding_is_one_bad_row() {
    let mut bytes = "id,name\n1,Café\n2,Zoë\n3,Å\n".as_bytes().to_vec();
    bytes.extend(b"4,Caf\xE9\n5,Ann\n");
    let rows = table(bytes).expect("rows");
    assert_eq!(rows[1], "2: 1 / Café");
    assert!(
        rows[4].starts_with("5: 4 / Caf\u{FFFD} !the row holds bytes that are not text"),
        "{}",
        rows[4]
    );
    assert_eq!(rows[5], "6: 5 / Ann");
}

#[test]
fn line_breaks_in_quotes_count_as_physical_lines() {
    let text = "id,note\r\n1,\"two\r\nlines\"\r\n\r\n2,\"a \"\"word\"\", and\nthree\n\nmore\"\n3,plain";
    assert_eq!(
        table(text).expect("rows"),
        [
            "id / note",
            "2: 1 / two\r\nlines",
            "5: 2 / a \"word\", and\nthree\n\nmore",
            "9: 3 / plain"
        ]
    );
}

#[test]
fn an_open_quote_is_named_with_the_line_where_it_opened() {
    let error =
        table("id,a,b\n1,x,y\n2,\"fine\nhere\",\"never closed\n3,x,y\n4,x,y\n").expect_err("an open quote");
    assert!(
        error.starts_with("line 4: a quote opens here in cell 3 and is not closed until the end of the file"),
        "{error}"
    );
}

#[test]
fn rows_of_another_width_are_bad_and_trailing_delimiters_are_not() {
    assert_eq!(
        table("id,name\n1,Ann\n2\n3,Bob,extra\n4,Cy,,\nid,name\n,\n").expect("rows"),
        [
            "id / name",
            "2: 1 / Ann",
            "3: 2 !the row has 1 cells, the header names 2 columns",
            "4: 3 / Bob / extra !the row has 3 cells, the header names 2 columns",
            "5: 4 / Cy /  / ",
            "6: id / name !the line repeats the header",
            "7:  /  !the row is empty",
        ]
    );
}

#[test]
fn json_lines_and_arrays_are_the_same_rows() {
    let lines = "{\"id\":\"1\",\"n\":5,\"o\":{\"a\":[1,\"}\"]}}\n\n{\"id\":\"2\",\"late\":true,\"n\":null}\n";
    let array =
        "[\n{\"id\":\"1\",\"n\":5,\"o\":{\"a\":[1,\"}\"]}},\n\n{\"id\":\"2\",\"late\":true,\"n\":null}\n]\n";
    assert_eq!(
        table(lines).expect("lines"),
        [
            "id / n / o / late",
            "1: 1 / 5 / {\"a\":[1,\"}\"]}",
            "3: 2 /  /  / true"
        ]
    );
    assert_eq!(
        table(array).expect("array"),
        [
            "id / n / o / late",
            "2: 1 / 5 / {\"a\":[1,\"}\"]}",
            "4: 2 /  /  / true"
        ]
    );
    let rows = table("{\"id\":1}\n{\"id\":2\n[3]\n{\"id\":4}\n").expect("rows");
    assert_eq!(rows.len(), 5);
    assert!(rows[2].starts_with("2:  !not a JSON object"), "{}", rows[2]);
    assert!(rows[3].starts_with("3:  !not a JSON object"), "{}", rows[3]);
    assert_eq!(rows[4], "4: 4");
    let cut = table("[{\"id\":1},\n{\"id\":").expect_err("an array without an end");
    assert!(cut.contains("ends without its `]`"), "{cut}");
}

#[test]
fn what_is_no_table_is_named() {
    for (bytes, said) in [
        (
            &b"PK\x03\x04rest of an archive"[..],
            "a zip archive or an Excel workbook",
        ),
        (b"%PDF-1.7", "a PDF document"),
        (b"\xD0\xCF\x11\xE0\xA1\xB1", "an old Excel workbook"),
        (b"\x28\xB5\x2F\xFDrest", "packed with zstd"),
        (b"", "is empty"),
        (b" \n\r\n ", "is empty"),
        (
            b"id,name,ID,name\n1,2,3,4\n",
            "the header names “name” twice, in columns 2 and 4",
        ),
        (b"\x00\x00\x00\x00\x00\x00\x00\x00", "the file is not text"),
    ] {
        let error = table(bytes).expect_err(said);
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn reading_goes_on_anywhere() {
    let text: String = std::iter::once("id,note\n".to_owned())
        .chain((0..50).map(|n| format!("{n},\"é{n}\nx\"\n")))
        .collect();
    let western = WINDOWS_1252.encode(&text).0.into_owned();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text.as_bytes()).expect("packed");
    for bytes in [
        text.clone().into_bytes(),
        western,
        packed.finish().expect("packed"),
        utf16(&text, true),
    ] {
        let (_dir, path) = write(bytes);
        let source = Source::open(&path, &Hints::default()).expect("a source");
        let mut rows = source.records(source.start.0, source.start.1).expect("rows");
        let mut record = Record::default();
        for _ in 0..20 {
            assert!(rows.next(&mut record).expect("a row"));
        }
        let mut again = source.records(rows.position(), rows.line()).expect("rows");
        let mut other = Record::default();
        for n in 20..50 {
            assert!(rows.next(&mut record).expect("a row") && again.next(&mut other).expect("a row"));
            assert_eq!(
                (record.line, record.cell(0), record.cell(1)),
                (other.line, other.cell(0), other.cell(1))
            );
            assert_eq!(other.cell(1), format!("é{n}\nx"));
        }
        assert!(!again.next(&mut other).expect("the end"));
    }
}

#[tokio::test]
async fn files_that_cannot_be_imported_are_refused_at_once() {
    let desk = Desk::new().await;
    let zip = desk.file("customers.csv", b"PK\x03\x04whatever");
    assert!(
        desk.fault(json!({ "path": zip, "kind": "accounts" })).await["problem"]
            .as_str()
            .expect("a problem")
            .contains("zip archive")
    );
    let empty = desk.file("empty.csv", b"");
    assert!(
        desk.fault(json!({ "path": empty, "kind": "accounts" })).await["problem"]
            .as_str()
            .expect("a problem")
            .contains("is empty")
    );
    let narrow = desk.file("narrow.csv", b"customer\nAnn\nBob\n");
    let fault = desk.fault(json!({ "path": narrow, "kind": "tickets" })).await;
    assert!(
        fault["problem"]
            .as_str()
            .expect("a problem")
            .contains("has one column only, “customer”"),
        "{fault}"
    );
    let strange = desk.file("strange.csv", b"acount id,nme,x\n1,2,3\n");
    let fault = desk.fault(json!({ "path": strange, "kind": "accounts" })).await;
    assert!(
        fault["problem"]
            .as_str()
            .expect("a problem")
            .contains("did you mean “acount id”?"),
        "{fault}"
    );
    let fault = desk
        .fault(json!({ "path": desk.folder().join("no.csv"), "kind": "accounts" }))
        .await;
    assert_eq!(fault["field"], "path");
    let fault = desk.fault(json!({ "path": strange, "kind": "acounts" })).await;
    assert!(
        fault["problem"]
            .as_str()
            .expect("a problem")
            .contains("did you mean “accounts”?"),
        "{fault}"
    );
    assert_eq!(desk.count("imports").await, 0);

    let bare = desk.file("bare.csv", b"account_id,name\n");
    let done = desk.one(&bare, "accounts").await;
    assert_eq!(done["state"], "failed");
    assert!(
        done["error"]
            .as_str()
            .expect("an error")
            .contains("has a header but no rows"),
        "{done}"
    );
}
