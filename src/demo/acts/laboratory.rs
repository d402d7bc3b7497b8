//! The laboratory works by pseudonyms: what it was given as the id of a patient it sends back with a
//! result, and the clinic gets the id (design: re-identification on the way in, and nowhere else).

use std::sync::PoisonError;

use super::super::caller::Reply;
use super::super::story::Story;
use super::{ActError, REQUISITIONS, Scene, find, is_pseudonym, word};

const TARGET: &str = "/fhir";

impl Scene<'_> {
    /// A result by pseudonym arrives under the clinic's own id; a forged pseudonym arrives nowhere.
    pub(super) async fn results_by_pseudonym(&self, story: &mut Story) -> Result<(), ActError> {
        let Some(person) = self.people.first() else { return Ok(()) };
        let requisitions = self.json("laboratory", REQUISITIONS).await?;
        let subject = word(&requisitions, "/entry/1/resource/subject/reference");
        let pseudonym = subject.strip_prefix("Patient/").unwrap_or_default();
        story.promise(
            "laboratory: the CPR number is there in clear, the clinic's id is a pseudonym",
            word(&requisitions, "/entry/0/resource/identifier/0/value") == person.cpr
                && is_pseudonym(pseudonym),
            "the requisition says otherwise",
        );
        let reply = self.post(RESULT.replace("<subject>", &subject)).await?;
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner).take();
        let content = taken.map(|asked| asked.content).unwrap_or_default();
        story.promise(
            "laboratory: a result sent by pseudonym reaches the clinic under the patient's own id",
            reply.status == 200
                && content.contains(&format!("\"Patient/{}\"", person.id))
                && !content.contains(pseudonym),
            format!("{} {}", reply.status, reply.text()),
        );
        story.promise(
            "laboratory: the answer says that it was taken, and no id",
            reply.text().contains("201 Created")
                && find(&reply.body, std::slice::from_ref(&person.id)).is_empty(),
            reply.text(),
        );
        let mut letters = subject.chars();
        let other_letter = if letters.next_back() == Some('q') { 'b' } else { 'q' };
        let forged = format!("{}{other_letter}", letters.as_str());
        let other = self.post(RESULT.replace("<subject>", &forged)).await?;
        let nothing = self.taken.lock().unwrap_or_else(PoisonError::into_inner).is_none();
        story.promise(
            "laboratory: a forged pseudonym is refused (400) and nothing reaches the clinic",
            other.status == 400 && nothing,
            format!("{} {}", other.status, other.text()),
        );
        Ok(())
    }

    async fn post(&self, content: String) -> Result<Reply, ActError> {
        let posted = self.caller("laboratory")?.post(TARGET, content).await;
        posted.map_err(|cause| ActError::Call { recipient: "laboratory", target: TARGET, cause })
    }
}

const RESULT: &str = r#"{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"POST","url":"Observation"},"resource":{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"urn:oid:1.2.208.176.2.1","code":"NPU22089"}]},"subject":{"reference":"<subject>"},"effectiveDateTime":"2026-03-04T11:00:00+01:00","valueQuantity":{"value":6.30,"unit":"mmol/L"}}}]}"#;
