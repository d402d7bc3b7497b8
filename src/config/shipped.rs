//! The profiles that come with tavs: `tavs init` puts them beside the first policy.

use std::sync::Arc;

use crate::policy::syntax::{Profiles, SourceFile};

/// Each by its name for `include`.
pub const SHIPPED_PROFILES: [(&str, &str); 6] = [
    ("profiles/fhir.toml", include_str!("../../policies/profiles/fhir.toml")),
    ("profiles/fhir/clinical.toml", include_str!("../../policies/profiles/fhir/clinical.toml")),
    ("profiles/fhir/contact.toml", include_str!("../../policies/profiles/fhir/contact.toml")),
    ("profiles/fhir/messages.toml", include_str!("../../policies/profiles/fhir/messages.toml")),
    ("profiles/fhir/persons.toml", include_str!("../../policies/profiles/fhir/persons.toml")),
    ("profiles/fhir/staff.toml", include_str!("../../policies/profiles/fhir/staff.toml")),
];

/// The folders that they stand in, outermost first.
pub const SHIPPED_FOLDERS: [&str; 2] = ["profiles", "profiles/fhir"];

/// All of them, as if read from beside a policy.
#[must_use]
pub fn shipped_profiles() -> Arc<Profiles> {
    let mut profiles = Profiles::default();
    for (name, text) in SHIPPED_PROFILES {
        profiles.add(name, Ok(SourceFile::new(name, text)));
    }
    Arc::new(profiles)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::profile_paths;

    #[test]
    fn every_profile_of_the_folder_is_shipped() {
        let found = profile_paths(Path::new("policies")).files;
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        let mut shipped = SHIPPED_PROFILES.map(|(name, _)| name);
        shipped.sort_unstable();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, shipped);
    }
}
