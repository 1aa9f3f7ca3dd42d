//! The browser's pages are embedded: built again, they make the binary be built again.

fn main() {
    println!("cargo::rerun-if-changed=../../ui/dist/index.html");
    println!("cargo::rerun-if-changed=../../programs");
}
