//! Who may sign: the officers of `tavs.toml`, each with a public key and what it is good for.

use crate::pseudonym::{OfficerPublicKey, Signature, SigningContext};

/// What an officer's signature is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SigningRole {
    /// Asks whose a pseudonym is.
    Requester,
    /// Agrees to what another asks.
    Approver,
    /// Agrees that policies serve.
    PolicyApprover,
}

impl SigningRole {
    /// The words of `[officers.NAME] roles`.
    pub const WORDS: [(&'static str, Self); 3] = [
        ("reidentify-requester", Self::Requester),
        ("reidentify-approver", Self::Approver),
        ("policy-approver", Self::PolicyApprover),
    ];

    const fn context(self) -> SigningContext {
        match self {
            Self::Requester => SigningContext::ReidentifyRequest,
            Self::Approver => SigningContext::ReidentifyApproval,
            Self::PolicyApprover => SigningContext::PolicyApproval,
        }
    }
}

/// `[officers.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningOfficer {
    /// What records call them.
    pub name: String,
    /// Nobody else has the same.
    pub key: OfficerPublicKey,
    /// What they may sign.
    pub roles: Vec<SigningRole>,
}

impl SigningOfficer {
    /// Whether they signed the document in this role, and have it.
    #[must_use]
    pub fn has_signed(&self, role: SigningRole, document: &[u8], signature: &Signature) -> bool {
        self.roles.contains(&role) && self.key.verifies(role.context(), document, signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pseudonym::OfficerKey;
    use crate::secret::Secret;

    #[test]
    fn a_signature_counts_in_a_role_that_its_officer_has() {
        let key = OfficerKey::parse(&OfficerKey::text(&Secret::new([7; 32]))).unwrap();
        let officer =
            SigningOfficer { name: "anna".into(), key: key.public(), roles: vec![SigningRole::Requester] };
        let request = key.sign(SigningContext::ReidentifyRequest, b"document").unwrap();
        assert!(officer.has_signed(SigningRole::Requester, b"document", &request));
        assert!(!officer.has_signed(SigningRole::Approver, b"document", &request));
        let approval = key.sign(SigningContext::ReidentifyApproval, b"document").unwrap();
        assert!(!officer.has_signed(SigningRole::Approver, b"document", &approval));
        assert!(!officer.has_signed(SigningRole::Requester, b"document", &approval));
    }
}
