//! 00 and 01: what any file of tavs can have wrong, whatever it says.

super::codes! {
    SYNTAX "TAVS0001" Error "not TOML"
    "The text does not follow the grammar of TOML 1.0, so it is unclear what it says. All such places of a file are reported at once; what else is wrong on those lines shows once they can be read."
    bad "signed = 2026-13-01"
    good "signed = 2026-12-01"

    NOT_IN_THIS_VERSION "TAVS0002" Error "not in this version"
    "The word belongs to the policy language, but this version of tavs does not do it yet. It is refused rather than ignored: a policy that says more than what happens would be worse than none."
    bad "[[push]]\nname = \"send-sms\"\npath = \"/messages\""
    good "[[route]]\nname = \"messages\"\npath = \"/messages\""

    LANGUAGE_VERSION "TAVS0003" Error "unknown version of the policy language"
    "The first line of a policy says which version of the language it is written in, so that an old policy never quietly changes its meaning. This version of tavs knows `policy = 1`."
    bad "policy = 2"
    good "policy = 1"

    MISSING_NAME "TAVS0101" Error "something is missing"
    "The table must say this: without it nobody could tell what the policy permits, to whom, or for how long. Nothing of that kind has a default."
    bad "[agreement]\nreference = \"DBA-2026-007\"\nsigned = 2026-01-15\nreview = 2027-01-15"
    good "[agreement]\nreference = \"DBA-2026-007\"\nsigned = 2026-01-15\nreview = 2027-01-15\nexpires = 2028-01-14"

    UNKNOWN_NAME "TAVS0102" Error "unknown name"
    "No option of this name can stand here. A misspelt option would otherwise have no effect, and its author would believe that it had."
    bad "[recipient]\nid = \"sms\"\nname = \"Påmind ApS\"\nrelaton = \"processor\"\ncontact = \"gdpr@paamind.example\""
    good "[recipient]\nid = \"sms\"\nname = \"Påmind ApS\"\nrelation = \"processor\"\ncontact = \"gdpr@paamind.example\""

    WRONG_TYPE "TAVS0103" Error "wrong type"
    "The option takes another type of value. Dates stand without quotes, words with them, lists in square brackets."
    bad "expires = \"2028-01-14\""
    good "expires = 2028-01-14"

    UNKNOWN_WORD "TAVS0104" Error "unknown word"
    "The option takes one of a closed list of words, so that what it says can be checked. The help line lists them or names the nearest."
    bad "relation = \"procesor\""
    good "relation = \"processor\""

    BAD_VALUE "TAVS0105" Error "a value that cannot be read"
    "The value has the right type, but not the form that the option takes."
    bad "requests = \"50 per second\""
    good "requests = \"50/s\""

    OUT_OF_RANGE "TAVS0106" Error "out of range"
    "The value is below the least or above the most that tavs accepts. Every limit has a cap, so that a slip of the pen cannot switch it off."
    bad "buffer = \"1000 GiB\""
    good "buffer = \"1 MiB\""

    DUPLICATE_NAME "TAVS0107" Error "a name is used twice"
    "Within a table a name stands once, and nothing says which of two would win. Routes and shapes too are told apart by their names, in the file, in logs and in the ledger."
    bad "[[route]]\nname = \"appointments\"\n\n[[route]]\nname = \"appointments\""
    good "[[route]]\nname = \"appointments\"\n\n[[route]]\nname = \"appointment\""

    DATES_OUT_OF_ORDER "TAVS0108" Error "dates out of order"
    "An agreement is signed before it is due for review, and both lie before it expires."
    bad "signed = 2026-01-15\nexpires = 2025-01-14"
    good "signed = 2026-01-15\nexpires = 2028-01-14"

    INCLUDE "TAVS0109" Error "an include that leads nowhere"
    "`include` names profiles: files in the folder `profiles` beside the policy, with `/` between folders and the ending `.toml`. Absolute paths, `..` and links that lead out of the folder of policies are refused, so that what a policy says stands in one place; so is a file that is missing, too large, or not UTF-8."
    bad "include = [\"../other/fhir-patient.toml\"]"
    good "include = [\"profiles/fhir-patient.toml\"]"

    INCLUDE_CYCLE "TAVS0110" Error "profiles that include each other"
    "A profile may include others, but not itself, over however many steps, and not more than eight below each other: whoever reads a policy has to come to an end."
    bad "# profiles/a.toml\nprofile = 1\ninclude = [\"profiles/b.toml\"]\n\n# profiles/b.toml\nprofile = 1\ninclude = [\"profiles/a.toml\"]"
    good "# profiles/a.toml\nprofile = 1\ninclude = [\"profiles/b.toml\"]\n\n# profiles/b.toml\nprofile = 1\n\n[[shape]]\nname = \"Person\"\nwhen = { resourceType = \"Person\" }"
}
