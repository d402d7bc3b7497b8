//! 06: what only `tavs.toml` and the files that it names can have wrong.

super::codes! {
    FILE_UNREADABLE "TAVS0601" Error "a file or folder that cannot be read"
    "The configuration names a file or folder that is not there, or that tavs may not read; or a policy is larger than 1 MiB, is not UTF-8, or is no file. Paths are relative to the folder of tavs.toml. A mistyped name would otherwise mean an empty list of policies, or no revocation list."
    bad "[policies]\ndirectory = \"polices\""
    good "[policies]\ndirectory = \"policies\""

    CERTIFICATE_UNUSABLE "TAVS0602" Error "a certificate, key or revocation list that cannot be used"
    "The file is not PEM, holds nothing of the kind wanted, or certificate and key do not belong together. Nothing listens and nothing is reloaded until it is mended."
    bad "certificate = \"certs/other.pem\"\nkey = \"certs/server.key\""
    good "certificate = \"certs/server.pem\"\nkey = \"certs/server.key\""

    SECRET_EXPOSED "TAVS0603" Error "a file of secrets that others can get at"
    "Whoever reads a private key or the key ring can pose as this server or undo every pseudonym. The file must have mode 0600 and stand in a folder that only its owner can write to."
    bad "# ls -l keys/ring.toml\n# -rw-r--r-- 1 tavs tavs 612 keys/ring.toml"
    good "# chmod 600 keys/ring.toml\n# -rw------- 1 tavs tavs 612 keys/ring.toml"

    ADMIN_EXPOSED "TAVS0604" Error "the admin listener is open to others"
    "Health and metrics have no log-in: they are for this machine. If a network is guarded by other means, say so with `unprotected = true`."
    bad "[admin]\naddress = \"0.0.0.0:9443\""
    good "[admin]\naddress = \"127.0.0.1:9443\""

    UNKNOWN_ANCHOR "TAVS0605" Error "a trust anchor that tavs.toml does not have"
    "A policy says under which trust anchor its recipient's certificate must be issued; tavs.toml has the anchors, by name."
    bad "# tavs.toml: [anchors.partners]\n[identity]\nanchor = \"partner\""
    good "# tavs.toml: [anchors.partners]\n[identity]\nanchor = \"partners\""

    UNKNOWN_UPSTREAM "TAVS0606" Error "an upstream that tavs.toml does not have"
    "A route says which upstream it calls; tavs.toml has the upstreams, by name."
    bad "# tavs.toml: [upstreams.booking]\n[[route]]\nupstream = \"boking\""
    good "# tavs.toml: [upstreams.booking]\n[[route]]\nupstream = \"booking\""

    NO_SECRET "TAVS0607" Error "the key ring lacks a secret"
    "Each pseudonymisation domain has an independent random secret in the key ring, and so have the ledger's subject ids, its checkpoints, and what the registry seals. Without it no pseudonym of the domain can be made, no right of a subject entered, or no checkpoint signed."
    bad "# no [[secret]] of this name in the key ring\n[pseudonyms]\ndomain = \"sms\""
    good "# tavs keys new keys/ring.toml --add --domain sms\n[pseudonyms]\ndomain = \"sms\""

    UPSTREAM_UNPROTECTED "TAVS0608" Error "an upstream without TLS"
    "What the clinic's API answers is health data in clear. Over `http:` anyone on the way reads it. If the upstream is on this very machine, say so with `unprotected = true`."
    bad "[upstreams.booking]\nurl = \"http://booking.klinik.example\""
    good "[upstreams.booking]\nurl = \"https://booking.klinik.example\"\nca = \"certs/clinic-ca.pem\""

    RING_UNUSABLE "TAVS0609" Error "the key ring cannot be used"
    "The file is not a key ring of this version. `tavs keys new` makes one. What stands in it is never shown, only the place."
    bad "ring = 2"
    good "ring = 1"

    NO_POLICY "TAVS0610" Warning "no policy"
    "The folder of policies holds no `*.toml`, so every recipient is refused. A proxy that serves nobody is safe, but hardly meant."
    bad "[policies]\ndirectory = \"empty\""
    good "[policies]\ndirectory = \"policies\""

    NOT_ON_RECORD "TAVS0611" Error "a policy that cannot be put on record"
    "Before a policy version serves for the first time, the ledger takes it down in words, so that a report can say years later what left under it. It could not; the old state stays. `/readyz` says what is wrong with the ledger or the store."
    bad "# the ledger's disk is full\n[ledger]\ndirectory = \"ledger\""
    good "# there is room again, and tavs was started anew\n[ledger]\ndirectory = \"ledger\""

    NOT_APPROVED "TAVS0612" Error "policies that nobody has approved"
    "With `approval = \"required\"` in [policies], policies that let out more than those approved last take effect only beside an approval that two officers have signed; the old state stays. `tavs approve prepare` shows what would leave, and makes the file that they sign."
    bad "# a policy was widened, and no approval is there\n[policies]\ndirectory = \"policies\"\napproval = \"required\""
    good "# beside tavs.toml: an approval.json that two officers have signed\n[policies]\ndirectory = \"policies\"\napproval = \"required\""

    UNREACHABLE "TAVS0613" Error "something that does not answer as it should"
    "`tavs check --online` connects to each upstream, with the configured CA, name and client certificate, and sends no request; it looks whether checkpoints could be anchored, and whether the addresses are this machine's. As it is, an exchange that needs it would be refused."
    bad "[upstreams.booking]\nurl = \"https://127.0.0.1:1\"\nca = \"certs/server-ca.pem\""
    good "# connects: its certificate is for this host, and issued under `ca`\n[upstreams.booking]\nurl = \"https://localhost\"\nca = \"certs/server-ca.pem\""

    ENDED "TAVS0614" Error "a certificate or revocation list that does not count today"
    "It is past its end, or its time has not begun. Whoever depends on it is refused: under a stale revocation list, everybody of its anchor."
    bad "# certs/partners.crl: next update 2025-12-31\n[anchors.partners]\nca = \"certs/partners-ca.pem\"\ncrl = \"certs/partners.crl\""
    good "# certs/partners.crl: made anew, as `tavs certs crl` does for development\n[anchors.partners]\nca = \"certs/partners-ca.pem\"\ncrl = \"certs/partners.crl\""

    ENDS_SOON "TAVS0615" Warning "a certificate or revocation list that ends soon"
    "It ends within 14 days, and less than a third of its time is left. A new one takes effect without a restart."
    bad "# certs/server.pem: until tomorrow\n[listen]\ncertificate = \"certs/server.pem\""
    good "# certs/server.pem: until next year\n[listen]\ncertificate = \"certs/server.pem\""

    NAME_NOT_COVERED "TAVS0616" Warning "a name that our certificate is not for"
    "Recipients call us by the names of `[listen] names`, and refuse a certificate that is not for the name by which they call."
    bad "# certs/server.pem is for localhost\n[listen]\nnames = [\"tavs.klinik.example\"]"
    good "# certs/server.pem is for localhost\n[listen]\nnames = [\"localhost\"]"

    RECORDS_UNUSABLE "TAVS0617" Error "a ledger or store that a start would refuse"
    "Nothing leaves before a record of it is on disk, and without the store nobody's rights are known. The message says what is wrong, and what to do."
    bad "# ls -ld ledger\n# drwxrwxrwx 2 tavs tavs 4096 ledger\n[ledger]\ndirectory = \"ledger\""
    good "# ls -ld ledger\n# drwx------ 2 tavs tavs 4096 ledger\n[ledger]\ndirectory = \"ledger\""

    LIST_MISSING "TAVS0618" Warning "a CA without its revocation list"
    "A trust anchor has a CA whose revocation list is not among `crl`. Whether a certificate that it has issued was revoked cannot be known, so everybody under it is refused."
    bad "# certs/other.crl was made by another CA\n[anchors.partners]\nca = \"certs/partners-ca.pem\"\ncrl = \"certs/other.crl\""
    good "# certs/partners.crl was made by this CA\n[anchors.partners]\nca = \"certs/partners-ca.pem\"\ncrl = \"certs/partners.crl\""

    UNKNOWN_PURPOSE "TAVS0619" Warning "a purpose that no policy has"
    "`[ledger.retention]` says how long records of a purpose are kept, by the purpose's id or by its category. A name that no policy has keeps nothing: records of the purpose that was meant are kept as long as `default` says."
    bad "# policies/sms.toml: [purpose] id = \"reminders\"\n[ledger.retention]\ndefault = \"5 years\"\nreminder = \"2 years\""
    good "# policies/sms.toml: [purpose] id = \"reminders\"\n[ledger.retention]\ndefault = \"5 years\"\nreminders = \"2 years\""
}
