//! Who asks, and what they may.

use crate::store::RightKind;

/// What a client of the API is, in the clinic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Runs tavs: health, volumes, reload.
    Operator,
    /// Enters what subjects say at the desk or on a form: consents, objections, `frabedt`.
    Registrar,
    /// The data protection officer, or whoever acts for them: everything.
    Officer,
}

impl Role {
    /// The words of `[[api.client]] roles`.
    pub const WORDS: [(&'static str, Self); 3] =
        [("operator", Self::Operator), ("registrar", Self::Registrar), ("officer", Self::Officer)];

    const fn may(self, deed: Deed) -> bool {
        match (self, deed) {
            (Self::Officer, _) => true,
            (Self::Operator, Deed::Health | Deed::Volumes | Deed::Reload) => true,
            (Self::Registrar, Deed::Enter(kind)) => {
                matches!(kind, RightKind::Consent | RightKind::Objection | RightKind::Frabedt)
            }
            (Self::Operator | Self::Registrar, _) => false,
        }
    }
}

/// What may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    Health,
    Volumes,
    Reload,
    Enter(RightKind),
    Alias,
    Show,
    Notify,
    Report,
}

impl Deed {
    /// For the log and the ledger.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::Volumes => "volumes",
            Self::Reload => "reload",
            Self::Enter(kind) => kind.word(),
            Self::Alias => "alias",
            Self::Show => "show",
            Self::Notify => "notify",
            Self::Report => "report",
        }
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A user of this machine who may open tavs's own files anyway: everything.
    Local {
        /// As the system says.
        uid: u32,
    },
    /// A client of the API, by its certificate.
    Client {
        /// `[[api.client]] name`.
        name: String,
        /// What it is.
        roles: Vec<Role>,
    },
}

impl Caller {
    pub(super) fn may(&self, deed: Deed) -> bool {
        match self {
            Self::Local { .. } => true,
            Self::Client { roles, .. } => roles.iter().any(|role| role.may(deed)),
        }
    }

    /// Who is recorded: what the machine or the certificate proves, and who they say they are.
    pub(super) fn who(&self, said: Option<&str>) -> String {
        match (self, said) {
            (Self::Local { uid }, Some(said)) => format!("{said} (uid {uid})"),
            (Self::Local { uid }, None) => format!("uid {uid}"),
            (Self::Client { name, .. }, Some(said)) => format!("{said} ({name})"),
            (Self::Client { name, .. }, None) => name.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_what_it_is_for_and_nothing_else() {
        let all = [
            Deed::Health,
            Deed::Volumes,
            Deed::Reload,
            Deed::Alias,
            Deed::Show,
            Deed::Notify,
            Deed::Report,
            Deed::Enter(RightKind::Restriction),
            Deed::Enter(RightKind::Objection),
            Deed::Enter(RightKind::Consent),
            Deed::Enter(RightKind::Frabedt),
            Deed::Enter(RightKind::Erasure),
        ];
        let may = |roles: &[Role]| {
            let caller = Caller::Client { name: "x".into(), roles: roles.to_vec() };
            all.into_iter().filter(|deed| caller.may(*deed)).map(Deed::word).collect::<Vec<_>>()
        };
        assert_eq!(may(&[Role::Operator]), ["health", "volumes", "reload"]);
        assert_eq!(may(&[Role::Registrar]), ["objection", "consent", "frabedt"]);
        assert_eq!(may(&[Role::Officer]).len(), all.len());
        assert_eq!(may(&[]), [""; 0]);
        assert!(all.into_iter().all(|deed| Caller::Local { uid: 0 }.may(deed)));
    }
}
