//! How diagnostics come together: all at once, in order, across files, as text and JSON.

use tavs::policy::check::check;

use crate::support::{BASE, TODAY, file, page};

#[test]
fn the_base_is_good() {
    let (policies, diagnostics) = check(&[file(BASE)], TODAY);
    assert_eq!(page(BASE, &diagnostics), "");
    assert_eq!(policies.len(), 1);
}
