use super::*;

#[test]
fn figures() {
    let folder = tempfile::tempdir().unwrap();
    let out = std::env::var("SIM_OUT").unwrap_or_else(|_| folder.path().to_str().unwrap().to_owned());
    let get = |k: &str, d: f64| std::env::var(k).ok().and_then(|v| v.parse().ok()).unwrap_or(d);
    let mut o = Options::new(jiff::civil::date(2026, 11, 21));
    o.accounts = get("SIM_A", 400.0) as u32;
    o.months = get("SIM_M", 18.0) as u32;
    o.seed = get("SIM_S", 1.0) as u64;
    let t = std::time::Instant::now();
    let s = write(&o, Path::new(&out), &mut |_| {}).unwrap();
    println!("{:?}\n{s:#?}", t.elapsed());
}
