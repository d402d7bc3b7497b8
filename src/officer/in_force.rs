//! What officers' words are held against: the names of the policies in force, and the keys.

use std::collections::BTreeSet;

use super::extract::Extracting;
use super::opening::{NotOpened, Opened, Opening};
use super::paper::Request;
use super::problem::{Problem, SUBJECT, UNKNOWN};
use super::roster::SigningOfficer;
use super::subject::Subject;
use crate::cpr::Kind;
use crate::ids::SubjectId;
use crate::policy::checked::{Agreement, Linkability};
use crate::policy::running::PolicySet;
use crate::policy::syntax::nearest;
use crate::pseudonym::{
    KeyRing, Pseudonymiser, PublicKey, RegistryKey, RingError, Scheme, SecretUse, SubjectKey,
};
use crate::rewrite::Identifier;
use crate::store::{ErasedPseudonym, NewChange, PseudonymRow, Store, StoreError};
use crate::table;

/// The system of an e-CPR that stands in documents beside no system.
const NO_SYSTEM: &str = "none";

/// Names and keys of one reading of the configuration. A reload puts another in its place.
#[derive(Debug)]
pub struct InForce {
    recipients: BTreeSet<String>,
    purposes: BTreeSet<String>,
    /// Regional identifier systems that subject locations ask for.
    systems: BTreeSet<String>,
    subject_key: SubjectKey,
    registry_key: RegistryKey,
    checkpoints: PublicKey,
    policies: Vec<Served>,
    extracting: Vec<Extracting>,
    officers: Vec<SigningOfficer>,
    opening: Opening,
    /// Recipients whose pseudonyms stand in the store, and what opens them, of every key version whose
    /// secret is there: one that is pending may have been mapped to, and one that is closed is known.
    tables: Vec<(String, Vec<Pseudonymiser>)>,
}

/// What reports say of a recipient in force.
#[derive(Debug, Clone)]
pub(super) struct Served {
    pub(super) recipient: String,
    pub(super) name: String,
    pub(super) contact: String,
    pub(super) agreement: Agreement,
    /// None if its pseudonyms last no longer than a response.
    pub(super) pseudonyms: Option<Pseudonymiser>,
}

impl InForce {
    /// Of the policies that are served, of their key ring, and of who may sign.
    ///
    /// # Errors
    /// When the ring lacks the secret of subjects or of the registry.
    pub fn new(
        policies: &PolicySet,
        ring: &KeyRing,
        officers: Vec<SigningOfficer>,
    ) -> Result<Self, RingError> {
        let mut names = Self {
            recipients: BTreeSet::new(),
            purposes: BTreeSet::new(),
            systems: BTreeSet::new(),
            subject_key: ring.subject_key()?,
            registry_key: ring.registry_key()?,
            checkpoints: ring.checkpoint_key()?.public(),
            policies: Vec::new(),
            extracting: Vec::new(),
            officers,
            opening: Opening::new(policies, ring)?,
            tables: Vec::new(),
        };
        for policy in policies.iter() {
            let checked = policy.checked();
            names.recipients.insert(checked.recipient.id.as_str().to_owned());
            names.purposes.insert(checked.purpose.id.as_str().to_owned());
            if checked.pseudonyms.scheme == Scheme::Table {
                let recipient = checked.recipient.id.as_str().to_owned();
                names.tables.push((recipient, every_version(ring, &checked.pseudonyms.domain)));
            }
            let systems = policy.routes().iter().flat_map(|route| &route.plan().systems);
            names.systems.extend(systems.filter(|system| !system.is_empty()).cloned());
            names.extracting.extend(Extracting::of(checked));
            let plan = policy.routes().first().map(|route| route.plan());
            let stable = plan.filter(|plan| plan.linkability == Linkability::Domain);
            names.policies.push(Served {
                recipient: checked.recipient.id.as_str().to_owned(),
                name: checked.recipient.name.clone(),
                contact: checked.recipient.contact.clone(),
                agreement: checked.agreement.clone(),
                pseudonyms: stable.map(|plan| plan.pseudonymiser.clone()),
            });
        }
        Ok(names)
    }

    /// The policies that allow extracts.
    pub(super) fn extracting(&self) -> &[Extracting] {
        &self.extracting
    }

    /// Who may sign what.
    pub(super) fn officers(&self) -> &[SigningOfficer] {
        &self.officers
    }

    /// What the pseudonym of a request stands for; `store` is asked for only where it may stand there.
    /// Whoever calls this shows it only once the use of an approved request is on record. Blocks.
    ///
    /// # Errors
    /// Why it does not open.
    pub fn open(
        &self,
        request: &Request,
        store: impl FnOnce() -> Result<Store, StoreError>,
    ) -> Result<Opened, NotOpened> {
        self.opening.open(request, &self.subject_key, store)
    }

    /// What seals numbers beside entries.
    pub(super) const fn registry_key(&self) -> &RegistryKey {
        &self.registry_key
    }

    /// Whose signature under checkpoints counts.
    pub(super) const fn checkpoints(&self) -> PublicKey {
        self.checkpoints
    }

    /// What reports say of the recipients in force.
    pub(super) fn policies(&self) -> &[Served] {
        &self.policies
    }

    /// Under which of the pseudonyms that an erasure destroys each recipient knows the person, sealed: so it
    /// can be told (GDPR art. 19). With them `before`, of which it has still to be told.
    pub(super) fn to_be_told(
        &self,
        change: &NewChange,
        gone: &[PseudonymRow],
        before: &[ErasedPseudonym],
    ) -> Vec<ErasedPseudonym> {
        let mut all = Vec::new();
        for (recipient, mut written) in self.written(gone) {
            let earlier = before.iter().filter(|one| one.recipient == recipient);
            written.extend(earlier.flat_map(|one| self.pseudonyms(one)));
            written.sort_unstable();
            written.dedup();
            let mut nonce = [0; 12];
            let sealed = getrandom::fill(&mut nonce).is_ok().then(|| {
                self.registry_key.seal(&written.join(" "), change.subject, &sealed_as(&recipient), nonce)
            });
            let noted = |sealed| ErasedPseudonym { subject: change.subject, recipient, sealed };
            all.extend(sealed.flatten().map(noted));
        }
        all
    }

    /// Under which pseudonyms of the store each recipient knows a person now, and knew her before an
    /// erasure of which it has still to be told. Blocks.
    pub(super) fn known_as(
        &self,
        store: &Store,
        ids: &[SubjectId],
    ) -> Result<Vec<(String, Vec<String>)>, StoreError> {
        let mut all = self.written(&store.pseudonyms_with(ids)?);
        for id in ids {
            let gone = store.erased_pseudonyms(*id)?;
            all.extend(gone.iter().map(|one| (one.recipient.clone(), self.pseudonyms(one))));
        }
        Ok(all)
    }

    /// The pseudonyms of rows, by the recipients that they are for.
    fn written(&self, rows: &[PseudonymRow]) -> Vec<(String, Vec<String>)> {
        let of = |makers: &[Pseudonymiser]| {
            let rows = rows.iter().map(|row| table::row_of(row.clone()));
            let mut written: Vec<String> =
                rows.filter_map(|row| makers.iter().find_map(|maker| maker.written(&row))).collect();
            written.sort_unstable();
            written
        };
        let all = self.tables.iter().map(|(recipient, makers)| (recipient.clone(), of(makers)));
        all.filter(|(_, written)| !written.is_empty()).collect()
    }

    /// What [`to_be_told`](Self::to_be_told) sealed; none where the key ring is another.
    pub(super) fn pseudonyms(&self, noted: &ErasedPseudonym) -> Vec<String> {
        let kind = sealed_as(&noted.recipient);
        let opened = self.registry_key.open(&noted.sealed, noted.subject, &kind);
        opened.map(|text| text.split(' ').map(str::to_owned).collect()).unwrap_or_default()
    }

    /// Whose id a text is, beside the system that is named with it.
    pub(super) fn subject(&self, text: &str, system: Option<&str>) -> Result<Subject, Problem> {
        let refused = |detail: &str| Problem::new(&SUBJECT, detail);
        let identifier = Identifier::read_canonical(text).ok_or_else(|| refused(FORMS))?;
        let system = match &identifier {
            Identifier::Number(number) if number.is_nobody() => {
                return Err(refused("this number stands for nobody"));
            }
            Identifier::Number(number) if number.kind == Kind::Ecpr => {
                self.system(number.canonical(), system)?
            }
            Identifier::Number(_) | Identifier::Resource(_) if system.is_some() => {
                return Err(refused("only an e-CPR has a system"));
            }
            Identifier::Number(_) | Identifier::Resource(_) => "",
        };
        Ok(Subject::new(text, &identifier, system, &self.subject_key))
    }

    /// A D-eCPR is unique within its region only: without its system nobody can say whose it is.
    fn system<'s>(&self, number: &str, system: Option<&'s str>) -> Result<&'s str, Problem> {
        // The seventh character of a national X-eCPR is 1 or 7 (domain of NSP's service).
        let national = matches!(number.as_bytes().get(6), Some(b'1' | b'7'));
        let mend = || match self.systems.iter().next() {
            Some(_) => format!("one of `{}`, or `{NO_SYSTEM}`", join(&self.systems)),
            None => format!("no policy in force names one: `{NO_SYSTEM}`"),
        };
        match system {
            None if national => Ok(""),
            None => Err(Problem::new(&SUBJECT, format!("a regional e-CPR needs its `system`: {}", mend()))),
            Some(NO_SYSTEM) => Ok(""),
            Some(system) if self.systems.contains(system) => Ok(system),
            Some(_) => {
                Err(Problem::new(&UNKNOWN, format!("no policy in force names this `system`: {}", mend())))
            }
        }
    }

    /// Whether a policy in force has the purpose.
    pub(super) fn purpose(&self, given: &str) -> Result<(), Problem> {
        known("purpose", given, &self.purposes)
    }

    /// Whether a policy in force has the recipient.
    pub(super) fn recipient(&self, given: &str) -> Result<(), Problem> {
        known("recipient", given, &self.recipients)
    }
}

fn every_version(ring: &KeyRing, domain: &str) -> Vec<Pseudonymiser> {
    let of_domain = ring.versions().iter().filter(|one| one.used == SecretUse::Domain && one.name == domain);
    of_domain.filter_map(|one| ring.pseudonymiser_of(domain, Scheme::Table, one.version).ok()).collect()
}

/// What pseudonyms for a recipient are sealed as: not to be taken for a person's number.
fn sealed_as(recipient: &str) -> String {
    format!("pseudonyms {recipient}")
}

fn known(what: &str, given: &str, names: &BTreeSet<String>) -> Result<(), Problem> {
    if names.contains(given) {
        return Ok(());
    }
    let mend = nearest(given, names.iter().map(String::as_str))
        .map_or_else(|| format!("there is: `{}`", join(names)), |near| format!("did you mean `{near}`?"));
    Err(Problem::new(&UNKNOWN, format!("no policy in force has this {what}; {mend}")))
}

fn join(names: &BTreeSet<String>) -> String {
    names.iter().map(String::as_str).collect::<Vec<_>>().join("`, `")
}

const FORMS: &str =
    "neither a CPR (ten digits, a hyphen after the sixth or none), nor an e-CPR, nor `Type/id`";

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::pseudonym::REGIONAL_SYSTEMS;

    /// Two recipients and two purposes, under throw-away keys.
    pub(in crate::officer) fn in_force() -> InForce {
        of_ring(&KeyRing::throw_away([7; 32]), Vec::new())
    }

    /// The same under a ring's keys, with officers.
    pub(in crate::officer) fn of_ring(ring: &KeyRing, officers: Vec<SigningOfficer>) -> InForce {
        let mut names = InForce::new(&PolicySet::default(), ring, officers).unwrap();
        names.recipients = ["bookkeeping", "sms-reminders"].map(str::to_owned).into();
        names.purposes = ["appointment-reminders", "improvement"].map(str::to_owned).into();
        names.systems = [format!("{REGIONAL_SYSTEMS}.181")].into();
        names
    }

    #[test]
    fn a_subject_is_told_from_its_number_in_one_form_and_is_nobody_elses() {
        let names = in_force();
        let id = |text: &str, system| names.subject(text, system).map(|subject| subject.id());
        let nancy = id("2512489996", None).unwrap();
        assert_eq!(id("251248-9996", None), Ok(nancy));
        assert_ne!(id("0201609995", None), Ok(nancy));
        assert_ne!(id("Patient/2512489996", None), Ok(nancy));
        let region = format!("{REGIONAL_SYSTEMS}.181");
        let regional = id("0703926VJ4", Some(&region)).unwrap();
        assert_ne!(id("0703926VJ4", Some("none")), Ok(regional));
        assert!(id("0203291WQ3", None).is_ok());
        for (text, system, said) in [
            ("", None, "neither"),
            ("25124899", None, "neither"),
            ("2512489996 ", None, "neither"),
            ("251248 9996", None, "neither"),
            ("Patient/a b", None, "neither"),
            ("Nancy Berggren", None, "neither"),
            ("0000000000", None, "nobody"),
            ("2512489996", Some("urn:x"), "only an e-CPR"),
            ("0703926VJ4", None, "needs its `system`"),
            ("0703926VJ4", Some("urn:oid:1.2.208.176.1.6.1.3.999"), "no policy in force"),
        ] {
            let problem = names.subject(text, system).map(|subject| subject.id()).unwrap_err();
            assert!(problem.detail().contains(said), "{text}: {problem:?}");
            assert!(text.is_empty() || !problem.detail().contains(text), "{problem:?}");
        }
    }

    #[test]
    fn a_name_is_known_or_the_nearest_one_is_told() {
        let names = in_force();
        assert_eq!(names.purpose("improvement"), Ok(()));
        let problem = names.purpose("improvment").unwrap_err();
        assert!(problem.detail().ends_with("did you mean `improvement`?"), "{problem:?}");
        let problem = names.recipient("2512489996").unwrap_err();
        assert!(problem.detail().contains("`bookkeeping`, `sms-reminders`"), "{problem:?}");
        assert!(!problem.detail().contains("2512489996"), "{problem:?}");
    }
}
