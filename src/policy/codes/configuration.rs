//! 06: what only `tavs.toml` and the files that it names can have wrong.

super::codes! {
    FILE_UNREADABLE "TAVS0601" Error "a file or folder that cannot be read"
    "The configuration names a file or folder that is not there, or that tavs may not read. Paths are relative to the folder of tavs.toml. A mistyped name would otherwise mean an empty list of policies, or no revocation list."
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
}
