//! `[policies]`: where they lie, and whether officers must approve them.

use std::path::PathBuf;

use super::Reader;
use crate::config::Approvals;
use crate::officer::{APPROVERS, SigningOfficer, SigningRole};
use crate::policy::codes;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::syntax::{At, Table};

/// Where an approval is looked for unless the file says otherwise, beside it.
const APPROVAL: &str = "approval.json";

impl Reader<'_> {
    pub(super) fn policies(&self, mut table: Table<'_>) -> Option<(At<PathBuf>, Option<At<Approvals>>)> {
        let directory = self.path(table.required("directory", "\"policies\""));
        let words = [("required", true), ("not-required", false)];
        let required = table.optional_word("approval", &words, &[]);
        let file = table.optional("approval-file");
        let span = table.span();
        table.finish();
        let file = match file {
            Some(value) => self.path(Some(value))?,
            None => At::new(self.folder.join(APPROVAL), span),
        };
        let Some(required) = required.filter(|required| required.value) else {
            return Some((directory?, None));
        };
        // Among the paths, so that a reload follows when it is put there.
        self.paths.borrow_mut().push(file.clone());
        Some((directory?, Some(At::new(Approvals { file: file.value }, required.span))))
    }

    /// Two must agree before more may leave: with fewer officers nothing could ever be approved.
    pub(super) fn enough_officers(
        &self,
        root: &Table<'_>,
        approvals: &At<Approvals>,
        officers: &[SigningOfficer],
    ) {
        let role = SigningRole::PolicyApprover;
        let able = officers.iter().filter(|officer| officer.roles.contains(&role)).count();
        if able < APPROVERS {
            let message = "`approval = \"required\"` needs two officers with the role `policy-approver`";
            let help =
                "`tavs officers new-key FILE` makes an officer's key; [officers.NAME] has its public half";
            let label = format!("tavs.toml has {able}");
            root.report(
                Diagnostic::new(&codes::BAD_VALUE, self.file, approvals.span.clone(), message, label)
                    .help(help),
            );
        }
    }
}
