//! Passwords: what is accepted and how it is kept (argon2id).

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization;

use crate::web::{Problem, Result};

/// Fewest characters of a password.
pub const SHORTEST: usize = 12;
/// Most bytes of a password.
pub const LONGEST: usize = 1_024;
/// Passwords waiting for their turn beyond which sign-in answers 429.
const QUEUE: usize = 16;

/// What one hash costs.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Memory in KiB, at least 19,456.
    pub memory: u32,
    /// Passes over it, at least 2.
    pub passes: u32,
}

impl Default for Cost {
    fn default() -> Self {
        Self {
            memory: 65_536,
            passes: 3,
        }
    }
}

impl Cost {
    /// The lowest that is accepted anywhere: 19 MiB, two passes.
    pub const LOWEST: Self = Self {
        memory: 19_456,
        passes: 2,
    };
}

/// Hashes and checks passwords, few at a time and never on the threads that answer requests.
#[derive(Debug)]
pub struct Passwords {
    cost: Cost,
    turns: Semaphore,
    waiting: AtomicUsize,
    decoy: OnceLock<String>,
}

impl Passwords {
    /// Hashing at this cost, on at most half of the processor's cores.
    #[must_use]
    pub fn new(cost: Cost) -> Self {
        let cores = std::thread::available_parallelism()
            .map_or(1, |n| n.get() / 2)
            .max(1);
        let cost = Cost {
            memory: cost.memory.max(Cost::LOWEST.memory),
            passes: cost.passes.max(Cost::LOWEST.passes),
        };
        Self {
            cost,
            turns: Semaphore::new(cores),
            waiting: AtomicUsize::new(0),
            decoy: OnceLock::new(),
        }
    }

    /// The hash to keep of a password that passed [`check`].
    pub async fn hash(&self, password: &str) -> Result<String> {
        let (password, cost) = (normal(password), self.cost);
        self.work(move || hash(&password, cost)).await
    }

    /// Whether `password` is the one behind `kept`. Takes as long when nothing is kept, so that time does not tell who has an account.
    pub async fn verify(&self, password: &str, kept: Option<String>) -> Result<bool> {
        let (password, cost) = (normal(password), self.cost);
        let real = kept.is_some();
        let decoy = self.decoy.get().cloned();
        let (decoy, right) = self
            .work(move || {
                let decoy = match decoy {
                    Some(known) => known,
                    None => hash("a password that nobody has", cost)?,
                };
                let right = verify(&password, kept.as_deref().unwrap_or(&decoy));
                Ok((decoy, right))
            })
            .await?;
        let _ = self.decoy.set(decoy);
        Ok(real && right)
    }

    /// Whether a kept hash was made at another cost and should be made anew at the next sign-in.
    #[must_use]
    pub fn is_outdated(&self, kept: &str) -> bool {
        let Ok(parsed) = PasswordHash::new(kept) else {
            return true;
        };
        Params::try_from(&parsed).map_or(true, |p| {
            p.m_cost() != self.cost.memory || p.t_cost() != self.cost.passes
        })
    }

    /// Makes the decoy, so that the first unknown name does not take twice as long.
    pub async fn warm(&self) -> Result<()> {
        self.verify("", None).await.map(|_| ())
    }

    async fn work<T: Send + 'static>(&self, job: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let place = Place::take(&self.waiting)?;
        let turn = self
            .turns
            .acquire()
            .await
            .map_err(|error| Problem::unavailable(error.to_string(), 2))?;
        let done = tokio::task::spawn_blocking(job).await;
        drop((turn, place));
        done.map_err(|error| Problem::from(anyhow::anyhow!("hashing a password: {error}")))?
    }
}

/// A place in the queue, given back when dropped, also when the caller goes away.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize) -> Result<Self> {
        let place = Self(waiting);
        if waiting.fetch_add(1, Ordering::SeqCst) >= QUEUE {
            return Err(Problem::too_many(
                "many people are signing in at this moment: try again in a few seconds",
                3,
            ));
        }
        Ok(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The same password typed on different keyboards is the same text.
fn normal(password: &str) -> String {
    password.nfkc().collect()
}

fn argon(cost: Cost) -> Result<Argon2<'static>> {
    let params =
        Params::new(cost.memory, cost.passes, 1, None).map_err(|error| anyhow::anyhow!("argon2: {error}"))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &str, cost: Cost) -> Result<String> {
    let salt: [u8; 16] = tenure_store::random_bytes().map_err(anyhow::Error::from)?;
    let salt = SaltString::encode_b64(&salt).map_err(|error| anyhow::anyhow!("argon2: {error}"))?;
    let hashed = argon(cost)?
        .hash_password(password.as_bytes(), &salt)
        .map_err(|error| anyhow::anyhow!("argon2: {error}"))?;
    Ok(hashed.to_string())
}

fn verify(password: &str, kept: &str) -> bool {
    PasswordHash::new(kept).is_ok_and(|parsed| {
        Argon2::default()
            .verify_password(password.as_bytes(), &parsed)
            .is_ok()
    })
}

/// A password made by us: 120 random bits.
pub fn generate() -> std::io::Result<String> {
    Ok(BASE64_URL_SAFE_NO_PAD.encode(tenure_store::random_bytes::<15>()?))
}

/// Says what is wrong with a new password, if anything. The value never stands in the answer.
pub fn check(password: &str, email: &str) -> Result<()> {
    let refuse =
        |problem: &str, remedy: &str| Err(Problem::field("password", "(not shown)", problem, remedy));
    if password.len() > LONGEST {
        return refuse("longer than 1,024 bytes", "choose a shorter one");
    }
    if password.contains('\0') {
        return refuse("holds a NUL character", "leave it out");
    }
    let password = normal(password);
    if password.chars().count() < SHORTEST {
        return refuse(
            "shorter than 12 characters",
            "choose a longer one; a few words in a row are easy to remember",
        );
    }
    let folded = password.to_lowercase();
    let local = email.split('@').next().unwrap_or_default();
    if folded == email || (local.len() >= 4 && folded.replace(local, "").chars().count() < 6) {
        return refuse(
            "little more than the e-mail address",
            "choose one that cannot be guessed from it",
        );
    }
    if is_common(&folded) {
        return refuse(
            "one of the passwords that attackers try first",
            "choose one that is not a usual word, row or repetition",
        );
    }
    Ok(())
}

/// Beginnings of the passwords of twelve and more characters that leaked most often; what follows them is digits and signs.
const COMMON: &[&str] = &[
    "password",
    "passw0rd",
    "p@ssw0rd",
    "p@ssword",
    "qwerty",
    "qwertyuiop",
    "qwerty123",
    "azerty",
    "asdfgh",
    "asdfghjkl",
    "zxcvbn",
    "zxcvbnm",
    "1q2w3e4r",
    "1q2w3e4r5t",
    "1qaz2wsx",
    "1qaz2wsx3edc",
    "q1w2e3r4",
    "qazwsx",
    "qazwsxedc",
    "iloveyou",
    "letmein",
    "welcome",
    "admin",
    "administrator",
    "changeme",
    "secret",
    "monkey",
    "dragon",
    "football",
    "baseball",
    "superman",
    "batman",
    "sunshine",
    "princess",
    "master",
    "shadow",
    "trustno1",
    "whatever",
    "starwars",
    "pokemon",
    "michael",
    "jennifer",
    "charlie",
    "liverpool",
    "chelsea",
    "arsenal",
    "computer",
    "internet",
    "samsung",
    "google",
    "facebook",
    "minecraft",
    "tenure",
    "correcthorsebatterystaple",
    "thisisapassword",
    "mypassword",
    "newpassword",
    "yourpassword",
    "passwordpassword",
    "testtesttest",
    "customersuccess",
    "abcdefghijkl",
    "abcd",
    "abc",
    "test",
    "login",
    "guest",
    "user",
    "root",
    "default",
    "temp",
    "summer",
    "winter",
    "spring",
    "autumn",
    "january",
    "december",
    "monday",
];

/// Whether a password (lower case) is a common one, digits and signs only, a row of neighbours, or a short piece repeated.
fn is_common(password: &str) -> bool {
    let core = password.trim_matches(|c: char| c.is_ascii_digit() || c.is_ascii_punctuation() || c == ' ');
    if core.is_empty()
        && password
            .chars()
            .all(|c| c.is_ascii_digit() || c.is_ascii_punctuation())
    {
        return true;
    }
    if COMMON.contains(&core) || COMMON.contains(&password) {
        return true;
    }
    let bytes = password.as_bytes();
    let repeats = (1..=4)
        .any(|piece| bytes.len() > piece && (piece..bytes.len()).all(|at| bytes[at] == bytes[at - piece]));
    let row = bytes.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == 1)
        || bytes.windows(2).all(|pair| pair[0].wrapping_sub(pair[1]) == 1);
    repeats || row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_easily_guessed() {
        for bad in [
            "short",
            "elevenchars",
            "Password1234",
            "passwordpassword",
            "qwertyuiop123",
            "123456789012",
            "aaaaaaaaaaaa",
            "abcabcabcabc",
            "abcdefghijklm",
            "Welcome2026!!!",
            "jo.smith2026!",
            "twelve chars\0",
        ] {
            assert!(check(bad, "jo.smith@x.example").is_err(), "{bad}");
        }
        assert!(check(&"x y".repeat(400), "a@x.example").is_err(), "too long");
        for good in [
            "correct battery lamp",
            "Grün-Straße-7-Ufer",
            "7f3c9a1e5b8d2460",
            "four words in a row",
        ] {
            check(good, "jo.smith@x.example").unwrap_or_else(|problem| panic!("{good}: {}", problem.detail));
        }
    }

    #[tokio::test]
    async fn verifies_normalised_text_and_nothing_else() {
        let passwords = Passwords::new(Cost { memory: 1, passes: 1 });
        // "é" as one character and as "e" with an accent; "ﬁ" as a ligature and as two letters.
        let kept = passwords.hash("caf\u{e9} con \u{fb01}nca").await.unwrap();
        assert!(
            kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "the lowest cost holds: {kept}"
        );
        assert!(
            passwords
                .verify("cafe\u{301} con finca", Some(kept.clone()))
                .await
                .unwrap()
        );
        assert!(
            !passwords
                .verify("cafe con finca", Some(kept.clone()))
                .await
                .unwrap()
        );
        assert!(
            !passwords
                .verify("a password that nobody has", None)
                .await
                .unwrap(),
            "the decoy opens nothing"
        );
        assert!(!passwords.is_outdated(&kept));
        assert!(Passwords::new(Cost::default()).is_outdated(&kept));
    }
}
