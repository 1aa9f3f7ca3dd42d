//! kill -9 at random moments: every acknowledged event is there afterwards, once.
//!
//! The test starts its own binary again as the victim; the victim tells on its standard output what was acknowledged to it.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tenure_store::Clock;

use super::world::{NOW, World, event, ids};
use crate::events::settle::settle;
use crate::events::{append, append_bulk, compact, seal};
use crate::{App, Config};

const FOLDER: &str = "TENURE_TEST_VICTIM_FOLDER";
const DATABASE: &str = "TENURE_TEST_VICTIM_DATABASE";
const SCHEMA: &str = "TENURE_TEST_VICTIM_SCHEMA";
const ROUND: &str = "TENURE_TEST_VICTIM_ROUND";

fn acknowledge(names: &[String]) {
    let mut out = std::io::stdout().lock();
    for name in names {
        writeln!(out, "\nack {name}").unwrap();
    }
    out.flush().unwrap();
}

/// Not a test of its own: what the killed process does. Without the environment of its parent it does nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn victim() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let round = std::env::var(ROUND).unwrap();
    let mut config = Config::embedded(folder.into());
    config.database = std::env::var(DATABASE).ok();
    config.database_schema = std::env::var(SCHEMA).ok();
    let app = App::open(config, Clock::system()).await.unwrap();
    let mut tasks = Vec::new();
    for task in 0..4 {
        let (app, round) = (app.clone(), round.clone());
        tasks.push(tokio::spawn(async move {
            for n in 0u32.. {
                let names: Vec<String> = (0..1 + n % 4)
                    .map(|k| format!("{round}-{task}-{n}-{k}"))
                    .collect();
                append(&app, names.iter().map(event).collect()).await.unwrap();
                acknowledge(&names);
            }
        }));
    }
    let importer = app.clone();
    tasks.push(tokio::spawn(async move {
        for n in 0u32.. {
            let names: Vec<String> = (0..300).map(|k| format!("{round}-bulk-{n}-{k}")).collect();
            append_bulk(&importer, names.iter().map(event).collect(), |_, _| {
                Box::pin(async { Ok(()) })
            })
            .await
            .unwrap();
            acknowledge(&names);
        }
    }));
    loop {
        seal(&app, NOW).await.unwrap();
        settle(&app.log.core).await.unwrap();
        compact(&app).await.unwrap();
    }
}

#[tokio::test]
async fn kill_at_any_moment_loses_nothing_that_was_acknowledged() {
    let mut world = World::new().await;
    let mut random = StdRng::seed_from_u64(7);
    let mut acknowledged = BTreeSet::new();
    for round in 0..10 {
        world.close().await;
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([
            "events::tests::kill::victim",
            "--exact",
            "--nocapture",
            "--test-threads=1",
        ]);
        command
            .env(FOLDER, world.folder.path())
            .env(ROUND, round.to_string())
            .stdout(Stdio::piped());
        if let Some((url, schema)) = world.postgres() {
            command.env(DATABASE, url).env(SCHEMA, schema);
        }
        let mut victim = command.spawn().unwrap();
        let mut out = BufReader::new(victim.stdout.take().unwrap());
        let (first, started) = mpsc::channel();
        let reader = std::thread::spawn(move || {
            let (mut names, mut line) = (Vec::new(), String::new());
            // The kill may cut the last line off; that name is another one.
            while out.read_line(&mut line).is_ok_and(|n| n > 0) && line.ends_with('\n') {
                if let Some(name) = line.trim_end().strip_prefix("ack ") {
                    names.push(name.to_owned());
                    if names.len() == 1 {
                        let _ = first.send(());
                    }
                }
                line.clear();
            }
            names
        });
        // The clock of the kill starts with the first acknowledgement, however slow the machine is.
        started
            .recv_timeout(Duration::from_secs(60))
            .expect("the victim never stored anything");
        std::thread::sleep(Duration::from_millis(random.random_range(0..700)));
        victim.kill().unwrap();
        victim.wait().unwrap();
        acknowledged.extend(reader.join().unwrap());
        world.reopen().await;
        let there = ids(&world.all().await);
        let lost: Vec<&String> = acknowledged
            .iter()
            .filter(|name| !there.contains(*name))
            .collect();
        assert!(
            lost.is_empty(),
            "round {round}: {} of {} lost, such as {:?}",
            lost.len(),
            acknowledged.len(),
            lost[0]
        );
        assert_eq!(world.files(), world.manifest().await, "round {round}");
        // What a client would send again, because it does not know.
        let again: Vec<String> = acknowledged.iter().rev().take(500).cloned().collect();
        assert_eq!(
            append(world.app(), again.iter().map(event).collect())
                .await
                .unwrap()
                .accepted,
            0,
            "round {round}"
        );
    }
    assert!(acknowledged.len() > 100, "{} acknowledged", acknowledged.len());
}
