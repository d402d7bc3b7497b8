//! 04 and 05: routes, queries and tests, and policies beside each other.

super::codes! {
    OVERLAPPING_ROUTES "TAVS0401" Error "two routes for one request"
    "A request could match both routes, and which members it may have would depend on chance. Make the patterns of their path members exclude each other, or make them one route."
    bad "[[route]]\nname = \"one\"\npath = \"/appointments/{id}\"\npath-members = { id = { keep = true, pattern = \"word\" } }\n\n[[route]]\nname = \"by-key\"\nmethods = [\"GET\"]\npath = \"/appointments/{key}\"\npath-members = { key = { keep = true, pattern = \"uuid\" } }"
    good "[[route]]\nname = \"one\"\npath = \"/appointments/{id}\"\npath-members = { id = { keep = true, pattern = \"word\" } }\n\n[[route]]\nname = \"by-key\"\nmethods = [\"GET\"]\npath = \"/appointments/by-key/{key}\"\npath-members = { key = { keep = true, pattern = \"uuid\" } }"

    SELECTS_ON_WITHHELD "TAVS0402" Error "a query selects on what is not disclosed"
    "A parameter that selects on a member tells the member's value by which records come back: who may ask for all with this date learns the date. It may select only on members that are kept as they came."
    bad "query = { born = { pattern = \"date\", selects = \"$.patients[*].birthDate\" } }\n\"$.patients[*].birthDate\" = { generalise = \"year\" }"
    good "query = { from = { pattern = \"date\", selects = \"$.patients[*].start\" } }\n\"$.patients[*].start\" = \"keep\""

    UNKNOWN_SHAPE "TAVS0403" Error "unknown shape"
    "The route lists a shape that the file does not define."
    bad "shapes = [\"Patent\"]"
    good "shapes = [\"Patient\"]"

    UNUSED_SHAPE "TAVS0404" Warning "a shape that no route uses"
    "A shape applies only in routes that list it in `shapes`. This one has no effect."
    bad "[[shape]]\nname = \"Observation\"\n# and no route lists it"
    good "[route.response]\nshapes = [\"Observation\"]"

    BAD_PATH "TAVS0405" Error "not a path"
    "A route's path is compared segment by segment with targets that the request gate has let through. What the gate refuses (dot segments, empty segments, percent-coding, `;`, `\\`) could never match."
    bad "path = \"/appointments//{id}\""
    good "path = \"/appointments/{id}\""

    PATH_MEMBER "TAVS0406" Error "a path member without its line"
    "Each `{name}` of a path needs a line in `path-members` that says what may stand there, and each line its `{name}`. Without a pattern anything could be sent on to the upstream."
    bad "path = \"/appointments/{id}\""
    good "path = \"/appointments/{id}\"\npath-members = { id = { keep = true, pattern = \"uuid\" } }"

    UNKNOWN_ROUTE "TAVS0407" Error "unknown route"
    "The test names a route that the file does not define."
    bad "[[test]]\nroute = \"appointment\""
    good "[[test]]\nroute = \"appointments\""

    TEST_PROVES_NOTHING "TAVS0408" Error "a test that proves nothing"
    "A test says what must come out (`output`), or what must not (`absent`), or both."
    bad "[[test]]\nroute = \"appointments\"\ninput = \"tests/appointments.json\""
    good "[[test]]\nroute = \"appointments\"\ninput = \"tests/appointments.json\"\nabsent = [\"2512489996\"]"

    REQUEST_CONTENT "TAVS0409" Error "a request whose content is not said"
    "A method other than GET brings content, or does something by itself. `[route.request]` says what: `members` of JSON, `form` parameters, or `no-body = true`, exactly one of them. GET brings nothing but its target and header fields."
    bad "methods = [\"POST\"]"
    good "methods = [\"POST\"]\n[route.request]\nno-body = true"

    REQUEST_ACTION "TAVS0410" Error "an action that has no place here"
    "The content of a request is passed on as it came or refused: its members are kept, or are pseudonyms to be resolved. Nothing in clear and nothing that cannot be searched passes there. In a response nothing is resolved: that would undo its pseudonyms."
    bad "[route.request.members]\n\"$.subject.identifier.value\" = \"pseudonymise\""
    good "[route.request.members]\n\"$.subject.identifier.value\" = \"resolve\""

    CLEAR_WORD "TAVS0411" Error "a CPR number among what may be asked"
    "What a recipient may send in clear is searched for CPR numbers, but for the words of `one-of` and of the path: those are the policy's own. A person's number among them would let the recipient look up whose pseudonym is whose, and stand in reports and records, which repeat a policy's words. Only a route with `accept-clear` takes clear numbers, by a pattern."
    bad "query = { identifier = { one-of = [\"urn:oid:1.2.208.176.1.2|2512489996\"] } }"
    good "query = { identifier = { resolve = \"cpr\", system = \"urn:oid:1.2.208.176.1.2\" } }"

    SAME_IDENTITY "TAVS0501" Error "two policies claim one identity"
    "A certificate that presents this identifier under this anchor would be two recipients at once, and which members it may have would depend on chance."
    bad "certificate = { uri = \"urn:tavs:recipient:sms\" }   # in two files"
    good "certificate = { uri = \"urn:tavs:recipient:sms-b\" }"

    SAME_RECIPIENT "TAVS0502" Error "two policies for one recipient"
    "Records, limits and reports go by the recipient's id. A recipient has one policy file."
    bad "[recipient]\nid = \"sms-reminders\"   # in two files"
    good "[recipient]\nid = \"sms-reminders-2\""

    SHARED_DOMAIN "TAVS0503" Warning "two recipients share a pseudonymisation domain"
    "Within one domain a person has one pseudonym, so these recipients can join their data (EDPB 01/2025). That may be meant; if not, give each a domain of its own."
    bad "[pseudonyms]\ndomain = \"reminders\"   # in two files"
    good "[pseudonyms]\ndomain = \"sms-reminders\""
}
