//! 02: locations and what happens there.

super::codes! {
    BAD_LOCATION "TAVS0201" Error "not a location"
    "Locations are JSONPath (RFC 9535), the part of it that one pass over a document can decide: names, `[*]`, indices from 0, and filters that compare a member of the element with a literal. Descendants (`..`), slices, unions, functions and negative indices are refused: they would keep what nobody listed, or need a second look."
    bad "\"$..navn\" = \"keep\""
    good "\"$.patient.navn\" = \"keep\""

    CONFLICT "TAVS0202" Error "two rules for one location"
    "Both rules can decide the same value, and there is no precedence: the author has to say which is meant. A rule on an object or array covers all below it. One exception: an explicit `withhold` below a `keep`, without filters (TAVS0212)."
    bad "\"$.patient\" = \"keep\"\n\"$.patient.cpr\" = \"pseudonymise\""
    good "\"$.patient.navn\" = \"keep\"\n\"$.patient.cpr\" = \"pseudonymise\""

    KEEP_ALL "TAVS0203" Error "the whole document is kept"
    "`keep` on `$` passes on whatever the upstream sends, today and after its next release. A policy lists what may leave."
    bad "\"$\" = \"keep\""
    good "\"$.start\" = \"keep\"\n\"$.klinik.navn\" = \"keep\""

    KEPT_CPR "TAVS0204" Error "a CPR number can leave"
    "The member's name, the identifier system that the filter names, or `subject` says that a CPR number stands here. There `keep` would only have masked what is recognised, and `scan`, `count`, `generalise`, `round`, `shift` and the masks that leave something would let out a part: the last four characters, a birth date. Say what is meant: a pseudonym, `{ mask = \"cpr\" }`, or the number in clear with its ground in Databeskyttelsesloven § 11. Nor may a rule say `not-cpr` here, or at the `value` of a FHIR `identifier` whose `system` no filter names: it would stand for every identifier there, the CPR number too."
    bad "\"$.patient.cpr\" = \"keep\""
    good "\"$.patient.cpr\" = \"pseudonymise\""

    CLEAR_CPR_WITHOUT_GROUND "TAVS0205" Error "a CPR in clear without ground"
    "Databeskyttelsesloven § 11 closes the list of grounds on which a CPR number may be disclosed: stk. 1 for public authorities; stk. 2 for others: nr. 1 where a law says so, nr. 2 consent, nr. 3 science, statistics, or a disclosure that is a natural part of the work and vital for telling people apart, nr. 4 the conditions of § 7. The policy names the one that applies."
    bad "\"$.patient.cpr\" = { keep = true, cpr = \"clear\" }"
    good "\"$.patient.cpr\" = { keep = true, cpr = \"clear\", cpr-ground = \"dbl-11-2-1\" }"

    UNSCANNED_WITHOUT_REASON "TAVS0206" Error "unscanned without a reason"
    "A value that decodes to something binary cannot be searched for CPR numbers, and is withheld. `unscanned = true` lets it leave; whoever reads the policy later must see why that was thought safe."
    bad "\"$.logo\" = { keep = true, unscanned = true }"
    good "\"$.logo\" = { keep = true, unscanned = true, reason = \"the clinic's own logo\" }"

    NO_REFERENCE_DATE "TAVS0207" Error "an age or a region without its day"
    "Ages are counted at a fixed day. Counted at today, an age would change on the subject's birthday, and so tell the birthday to anyone who asks twice. Regions are those of a fixed day too: two of them are merged on 1 January 2027, and what a recipient receives must not change overnight."
    bad "\"$.birthDate\" = { generalise = \"age\" }"
    good "\"$.birthDate\" = { generalise = \"age\", reference = 2026-01-01 }"

    BAD_ACTION "TAVS0208" Error "not an action"
    "A location has exactly one action: a word such as `\"keep\"`, or a table in braces with the action's name and its options."
    bad "\"$.navn\" = { mask = \"initials\", keep = true }"
    good "\"$.navn\" = { mask = \"initials\" }"

    SUBJECT_UNSAID "TAVS0209" Error "it is not said whose data it is"
    "Whose a record is, is never guessed: restriction, objection and consent act by it, and so does the answer to a subject who asks who received what. Name the locations of the subjects' identifiers with `subject`, or say with `no-subject` and a reason that there are none."
    bad "[route.response]\nrecord = \"$.appointments[*]\""
    good "[route.response]\nrecord = \"$.appointments[*]\"\nsubject = [\"$.patient.cpr\"]"

    NOTHING_DISCLOSED "TAVS0210" Warning "nothing is disclosed"
    "The route lists neither members nor shapes, or withholds all that it lists. All that no rule names is withheld, so every response is empty."
    bad "[route.response]\nno-subject = \"opening hours\""
    good "[route.response]\nno-subject = \"opening hours\"\nmembers = { \"$.opens\" = \"keep\" }"

    TOO_MANY_FILTERS "TAVS0211" Error "too many filters on one element"
    "Filters on one element are decided together, by looking ahead for all the members that they compare. Their combinations are bounded so that a plan stays small."
    bad "\"$.a[?@.b==1 && @.c==1 && @.d==1 && @.e==1 && @.f==1 && @.g==1 && @.h==1 && @.i==1 && @.j==1 && @.k==1 && @.l==1].x\" = \"keep\""
    good "\"$.a[?@.b==1 && @.c==1].x\" = \"keep\""

    HANGING_WITHHOLD "TAVS0212" Error "an exception that hangs on the document"
    "Below a `keep`, a `withhold` takes something back, and all else leaves. If it has a filter or an index, or stands in a shape of its own, it takes back only what the filter expects: an upstream that writes `Phone` for `phone`, leaves the member out or sorts another way lets the rest out, and nobody is told. Put the filter on what is kept: then what it does not expect is withheld."
    bad "\"$.telecom\" = \"keep\"\n\"$.telecom[?@.system=='phone'].value\" = \"withhold\""
    good "\"$.telecom[?@.system=='email'].value\" = \"keep\""

    SHIFTS_DIFFER "TAVS0213" Error "dates that are shifted differently"
    "A subject's dates are all moved by the same days, so that the time between them stays. With another range, or with whole weeks beside single days, one date would be moved by other days than the next; and whoever compares the two would know more of both."
    bad "\"$.start\" = { shift = true, days = 30 }\n\"$.end\" = \"shift\""
    good "\"$.start\" = { shift = true, days = 30 }\n\"$.end\" = { shift = true, days = 30 }"

    SHIFT_WITHOUT_SUBJECT "TAVS0214" Error "dates are shifted, and nobody's"
    "Dates are moved by days that are drawn for the record's subject. Where the response says that there is none, nothing can be drawn, and every date would be withheld."
    bad "[route.response]\nno-subject = \"appointments\"\nmembers = { \"$.start\" = \"shift\" }"
    good "[route.response]\nsubject = [\"$.patient.cpr\"]\nmembers = { \"$.start\" = \"shift\" }"

    WITHOUT "TAVS0215" Error "`without` takes nothing away"
    "`without` lists locations of the included shape whose rules a shape does not take over: there, or below. Where that has no rule the line has no effect, and its author would believe that it had. A `withhold` stays: what it holds back below a `keep` would leave without it."
    bad "[[shape]]\nname = \"Patient-any\"\nlike = \"Patient\"\nwithout = [\"$.sex\"]"
    good "[[shape]]\nname = \"Patient-any\"\nlike = \"Patient\"\nwithout = [\"$.gender\"]"

    SIBLING_KEPT "TAVS0221" Error "a primitive's sibling leaves in full"
    "FHIR writes what there is to say about a primitive in a member of its own beside it: the extensions of `birthDate` stand in `_birthDate`, and one of them is the time of birth. A rule on the one says nothing of the other. Where the value is generalised, masked, pseudonymised or withheld, its sibling must not be kept whole: leave it out, or list what of it may leave, as `valueCode` of the extension `data-absent-reason`."
    bad "\"$.birthDate\"  = { generalise = \"year\" }\n\"$._birthDate\" = \"keep\""
    good "\"$.birthDate\" = { generalise = \"year\" }\n\"$._birthDate.extension[?@.url=='http://hl7.org/fhir/StructureDefinition/data-absent-reason'].valueCode\" = \"keep\""

    HASH_OF_DECODED "TAVS0222" Error "the hash or size of a text as it came"
    "`decode` takes CPR numbers, and what else is listed, out of a coded text, and out of a coded document all that no rule names. The `hash` and `size` beside it are those of what came: whoever has the rest can try all numbers until the hash is right."
    bad "\"$.content[*].attachment.data\" = { decode = \"text\" }\n\"$.content[*].attachment.hash\" = \"keep\""
    good "\"$.content[*].attachment.data\" = { decode = \"text\" }"

    DECODE_IN_DECODED "TAVS0223" Error "a document decoded inside another"
    "`decode = \"json\"` decodes a document and rewrites it by shapes. If one of these decodes documents itself, there could be one inside the other to any depth, and no reader of the policy could say what leaves. One step is enough for what APIs send; whatever is deeper is withheld. A coded text in a document may be decoded."
    bad "[[shape]]\nname = \"Document\"\nwhen = { resourceType = \"DocumentReference\" }\nmembers = { \"$.content[*].attachment.data\" = { decode = \"json\", shapes = [\"Document\"] } }"
    good "[[shape]]\nname = \"Document\"\nwhen = { resourceType = \"DocumentReference\" }\nmembers = { \"$.content[*].attachment.data\" = { decode = \"json\", shapes = [\"Patient\"] } }"

    CPR_IN_LOCATION "TAVS0224" Warning "a location with a number that could be a person's"
    "A policy is read by many, and its locations stand in reports, records and the ledger: nobody's number belongs into a filter or a name. Records of one person are no member of their own; who may not be told about is for the registry (`tavs subject`). A code of nine or ten digits reads like a number, too: then nothing is wrong."
    bad "\"$.patients[?@.cpr=='2512489996'].name\" = \"keep\""
    good "\"$.patients[*].name\" = \"keep\""
}
