//! docs/guarantees.md names tests that exist.

use std::fs;
use std::path::Path;

#[test]
fn every_test_that_the_guarantees_name_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = fs::read_to_string(root.join("docs/guarantees.md")).unwrap();
    let mut missing = Vec::new();
    let mut named = 0;
    for name in document.split('`').skip(1).step_by(2) {
        let Some((file, function)) = name.split_once("::") else { continue };
        named += 1;
        let source = fs::read_to_string(root.join(file)).unwrap_or_default();
        let body = source.split_once(&format!("fn {function}(")).map_or("", |(before, _)| before);
        // The attribute stands on one of the lines before, after the end of the item before it.
        let attributes = body.rsplit("}\n").next().unwrap_or_default();
        if !attributes.contains("test") {
            missing.push(name);
        }
    }
    assert!(missing.is_empty(), "docs/guarantees.md names what is no test: {missing:#?}");
    assert!(named > 40, "only {named} tests are named");
    for guarantee in 1..=12 {
        assert!(document.contains(&format!("\n## G{guarantee}\n")), "no section on G{guarantee}");
    }
}
