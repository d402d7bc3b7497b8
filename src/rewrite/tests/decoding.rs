//! Text in base64.

use data_encoding::BASE64;

use super::{at, policy, run};
use crate::policy::checked::{Action, CprInText, Scan};
use crate::rewrite::FaultKind;

#[test]
fn text_is_handled_inside_its_code_and_coded_again() {
    let wanted = Scan { phone: true, email: false, names: vec![at("$.navn")] };
    let mut policy = policy(&[("$.data", Action::Decode(wanted))]);
    let mut decoded = |content: &[u8], cpr_in_text| {
        policy.cpr_in_text = cpr_in_text;
        let body = serde_json::json!({ "data": BASE64.encode(content), "navn": "Nancy Berggren" });
        run(&policy, &body.to_string()).map(|output| {
            let output: serde_json::Value = serde_json::from_str(&output).unwrap();
            let data = output.get("data").and_then(serde_json::Value::as_str);
            data.map(|data| String::from_utf8(BASE64.decode(data.as_bytes()).unwrap()).unwrap())
        })
    };
    let mask = CprInText::Mask;
    let text = "<p>Nancy, 251248-9996\r\n\"tlf.\" 20 12 34 56</p>";
    let wanted = "<p>[name], xxxxxxxxxx\r\n\"tlf.\" [phone]</p>";
    assert_eq!(decoded(text.as_bytes(), mask), Ok(Some(wanted.to_owned())));
    assert_eq!(decoded("æøå 🙂".as_bytes(), mask), Ok(Some("æøå 🙂".to_owned())));
    assert_eq!(decoded(text.as_bytes(), CprInText::Refuse), Err(FaultKind::CprInText));
    let inner = BASE64.encode(b"Patienten har 251248-9996");
    assert!(decoded(inner.as_bytes(), mask).unwrap().is_some_and(|text| text == "xxxxxxxxxx"));
    for bytes in [
        &b"%PDF-1.7 251248-9996"[..],
        b"\n%PDF-1.7",
        br"{\rtf1\ansi \'32\'35\'31\'32\'34\'38-9996}",
        b"\x89PNG\r\n",
        b"\xff\xfe2\x005\x00",
        b"a\0b",
        b"",
        b" ",
    ] {
        assert_eq!(decoded(bytes, mask), Ok(None), "{bytes:?}");
    }
}

#[test]
fn what_is_no_code_is_unfit() {
    let policy = policy(&[("$[*]", Action::Decode(Scan::default()))]);
    for (text, wanted) in [
        ("aGVq", "[\"aGVq\"]"),
        (" aG\tVq\n", "[\"aGVq\"]"),
        ("aGV", "[]"),
        ("aGVr-", "[]"),
        ("aGW=", "[]"),
        ("", "[]"),
        ("2512489996", "[]"),
    ] {
        let body = serde_json::json!([text, 1, null, {"data": "aGVq"}]);
        assert_eq!(run(&policy, &body.to_string()).as_deref(), Ok(wanted), "{text}");
    }
}
