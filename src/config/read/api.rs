//! `[api]`: where the clinic's own systems ask the office, and who they are.

use super::Reader;
use super::values::{address, node_name};
use crate::config::{Api, ApiClient};
use crate::net::{AnchorSettings, TlsSettings};
use crate::officer::Role;
use crate::policy::codes;
use crate::policy::presented;
use crate::policy::syntax::{At, Flaw, Table, Value, nearest};

impl Reader<'_> {
    pub(super) fn api(&self, mut table: Table<'_>, anchors: Option<&[AnchorSettings]>) -> Option<Api> {
        let span = table.span();
        let address = table.required("address", "\"127.0.0.1:9444\"").and_then(|v| address(&v));
        let certificate = self.path(table.required("certificate", "\"certs/server.pem\""));
        let key = self.path(table.required("key", "\"certs/server.key\""));
        let anchor = table.required("anchor", "\"clinic\"");
        // Where the anchors themselves have mistakes, those are told.
        let anchor = anchor.zip(anchors).and_then(|(value, anchors)| {
            value.parsed(&codes::UNKNOWN_ANCHOR, |name| anchor_of(name, anchors))
        });
        let mut clients = Vec::new();
        for table in table.required_tables("client", "name = \"journal\"") {
            clients.push(client(table, &clients));
        }
        table.finish();
        let clients: Option<Vec<ApiClient>> = clients.into_iter().collect();
        let anchor = anchor?.value;
        let name = anchor.name.clone();
        let tls = TlsSettings {
            certificate: certificate?.value,
            key: key?.value,
            tls12: false,
            anchors: vec![anchor],
        };
        Some(Api { address: At::new(address?, span), tls, anchor: name, clients: clients? })
    }
}

fn anchor_of(name: &str, anchors: &[AnchorSettings]) -> Result<AnchorSettings, Flaw> {
    let known = || anchors.iter().map(|anchor| anchor.name.as_str());
    anchors.iter().find(|anchor| anchor.name == name).cloned().ok_or_else(|| {
        let help = nearest(name, known()).map_or_else(
            || format!("there is: `{}`", known().collect::<Vec<_>>().join("`, `")),
            |near| format!("did you mean `{near}`?"),
        );
        Flaw::new(format!("there is no trust anchor `{name}`"), help)
    })
}

fn client(mut table: Table<'_>, others: &[Option<ApiClient>]) -> Option<ApiClient> {
    let name = table.required("name", "\"journal\"").and_then(|value| {
        value.parsed(&codes::BAD_VALUE, |name| {
            if others.iter().flatten().any(|other| other.name == name) {
                return Err(Flaw::new(
                    format!("`{name}` is named twice"),
                    "records tell clients by their names",
                ));
            }
            node_name(name)
                .map_err(|flaw| Flaw { message: format!("`{name}` is no name of a client"), ..flaw })
        })
    });
    let certificate = table.required("certificate", "{ uri = \"urn:tavs:client:journal\" }");
    let certificate = certificate.and_then(|certificate| presented(&certificate));
    let roles = table.required("roles", "[\"registrar\"]").and_then(|roles| roles_of(&roles));
    table.finish();
    Some(ApiClient { name: name?.value, presented: certificate?.value, roles: roles? })
}

fn roles_of(value: &Value<'_>) -> Option<Vec<Role>> {
    let list = value.elements("a list of roles");
    if list.is_empty() {
        value.fault(&codes::BAD_VALUE, "`roles` is empty", "it could do nothing", None);
        return None;
    }
    list.iter().map(|role| role.word(&Role::WORDS, &[]).map(|role| role.value)).collect()
}
