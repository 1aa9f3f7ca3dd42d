//! `tenure user` and `tenure key`.

use std::io::BufRead;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::args::{Data, Format, Key, KeyCommand, User, UserCommand};
use crate::client::{Client, Failure, Result, encode};
use crate::output::print;

/// Users.
pub async fn user(args: User) -> Result<ExitCode> {
    match args.what {
        UserCommand::Add {
            email,
            role,
            name,
            password_stdin,
            data,
        } => {
            let password = password(password_stdin)?;
            let mut body = json!({ "email": email, "role": role, "name": name });
            body["password"] = password.into();
            let client = Client::open_or_create(&data).await?;
            let answer = client.post("/api/v1/users", &body).await;
            client.close().await;
            let answer = answer?;
            eprintln!(
                "added {} as {}",
                answer["user"]["email"].as_str().unwrap_or_default(),
                role
            );
            show_password(&answer);
        }
        UserCommand::List { format, data } => {
            let client = Client::open(&data).await?;
            let answer = client.get("/api/v1/users").await;
            client.close().await;
            let answer = answer?;
            let rows = answer["users"].as_array().cloned().unwrap_or_default();
            let columns = [
                ("E-mail", "email"),
                ("Name", "name"),
                ("Role", "role"),
                ("Seen", "seen_at"),
                ("Disabled", "disabled_at"),
                ("Id", "id"),
            ];
            print(format, &answer, &rows, &columns)?;
        }
        UserCommand::Password {
            email,
            password_stdin,
            data,
        } => {
            let password = password(password_stdin)?;
            let client = Client::open(&data).await?;
            let answer = reset(&client, &email, password).await;
            client.close().await;
            let answer = answer?;
            eprintln!("{email} has a new password and no session any more");
            show_password(&answer);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn reset(client: &Client, email: &str, password: Option<String>) -> Result<Value> {
    let users = client.get("/api/v1/users").await?;
    let wanted = email.trim().to_lowercase();
    let user = users["users"]
        .as_array()
        .and_then(|users| users.iter().find(|user| user["email"] == wanted.as_str()));
    let id = user
        .and_then(|user| user["id"].as_str())
        .ok_or_else(|| anyhow::anyhow!("no user has the address {email}"))?;
    client
        .post(
            &format!("/api/v1/users/{}/password", encode(id)),
            &json!({ "password": password }),
        )
        .await
}

/// The password from stdin, without the end of its line.
fn password(from_stdin: bool) -> Result<Option<String>> {
    if !from_stdin {
        return Ok(None);
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(Failure::Usage(
            "--password-stdin: stdin holds no password".to_owned(),
        ));
    }
    Ok(Some(password.to_owned()))
}

fn show_password(answer: &Value) {
    if let Some(made) = answer["password"].as_str() {
        eprintln!("their password, shown this once:");
        println!("{made}");
    }
}

/// Keys.
pub async fn key(args: Key) -> Result<ExitCode> {
    match args.what {
        KeyCommand::Add { name, scope, data } => {
            let client = Client::open_or_create(&data).await?;
            let answer = client
                .post("/api/v1/keys", &json!({ "name": name, "scope": scope }))
                .await;
            client.close().await;
            println!("{}", answer?["secret"].as_str().unwrap_or_default());
        }
        KeyCommand::List { format, data } => list_keys(format, &data).await?,
        KeyCommand::Revoke { id, data } => {
            let client = Client::open(&data).await?;
            let answer = client.delete(&format!("/api/v1/keys/{}", encode(&id))).await;
            client.close().await;
            answer?;
            eprintln!("revoked {id}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list_keys(format: Format, data: &Data) -> Result<()> {
    let client = Client::open(data).await?;
    let answer = client.get("/api/v1/keys").await;
    client.close().await;
    let answer = answer?;
    let rows = answer["keys"].as_array().cloned().unwrap_or_default();
    let columns = [
        ("Name", "name"),
        ("Scope", "scope"),
        ("Begins", "prefix"),
        ("Used", "used_at"),
        ("Revoked", "revoked_at"),
        ("Id", "id"),
    ];
    print(format, &answer, &rows, &columns)
}
