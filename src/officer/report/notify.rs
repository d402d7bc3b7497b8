//! The notice: whom to tell that a person's data were rectified, erased or restricted (GDPR art. 19).

use serde::Deserialize;
use zeroize::Zeroizing;

use super::{Head, WrittenHead, document};
use crate::ledger::{Act, ActKind};
use crate::officer::ask::json;
use crate::officer::caller::Deed;
use crate::officer::notices::{self, Made};
use crate::officer::problem::{Problem, UNAVAILABLE, VALUE};
use crate::officer::show;
use crate::officer::{Caller, Office, Told};
use crate::reports::{About, Addressee, NotifyAsk, NotifyReport};

/// `POST /v1/reports/notify`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    head: WrittenHead,
    subject: Zeroizing<String>,
    system: Option<String>,
    about: String,
}

impl Office {
    /// Whom to tell, under which pseudonyms, and the letter. What was rectified at the clinic is
    /// noted here, too: tavs knows of it from the officer only.
    pub(in crate::officer) async fn report_notify(
        &self,
        caller: &Caller,
        body: &[u8],
    ) -> Result<Told, Problem> {
        self.permit(caller, Deed::Notify).await?;
        let written: Written = json(body)?;
        let head = Head::read(written.head)?;
        let about = About::of_word(&written.about)
            .ok_or_else(|| Problem::new(&VALUE, "`about` is `rectification`, `erasure` or `restriction`"))?;
        let names = self.names.load_full();
        let subject = names.subject(&written.subject, written.system.as_deref())?;
        let id = subject.id();
        let act = self.registrar.act(ActKind::Lookup, "notify", String::new(), String::new());
        self.record(caller, &head.said, Act { subjects: vec![id], ..act }).await?;
        let addressees = names.policies().iter().map(|served| Addressee {
            recipient: served.recipient.clone(),
            contact: Some(served.contact.clone()),
            pseudonyms: served.pseudonyms.as_ref().map(|maker| subject.pseudonyms(maker)).unwrap_or_default(),
        });
        let (mut addressees, now): (Vec<Addressee>, _) =
            (addressees.collect(), self.registrar.clock().unix_millis());
        let frame = head.frame(caller, now);
        let mut notice = [0; 16];
        getrandom::fill(&mut notice)
            .map_err(|_none| Problem::new(&UNAVAILABLE, "the system gives no random bytes"))?;
        let registrar = self.registrar.clone();
        let report = self.read(move |store| {
            let ids = store.ids_of(id)?;
            if about == About::Rectification {
                notices::put(&registrar, id, notice, about.word(), now)?;
            } else {
                // Where the index was behind when a change was made, its notices are made now.
                let all = show::changes_of(&registrar, &ids)?;
                let made: Vec<Made> = all.iter().map(|one| Made::of(one.number, &one.change)).collect();
                notices::settle(&registrar, &made)?;
            }
            for (recipient, pseudonyms) in names.known_as(store, &ids)? {
                let addressee = addressees.iter_mut().find(|one| one.recipient == recipient);
                addressee.into_iter().for_each(|one| one.pseudonyms.extend(pseudonyms.iter().cloned()));
            }
            NotifyReport::read(store, NotifyAsk { frame, about, ids, addressees })
        });
        let report = report.await?;
        document(&head, report.render(head.format, head.language))
    }
}
