//! 03: what the law does not permit, as far as a file can tell.

super::codes! {
    LAPSED "TAVS0301" Error "the agreement has lapsed"
    "After the last day of the agreement nothing may be disclosed under it (GDPR art. 28(3)): the proxy refuses every request, and `tavs test` and `tavs rewrite` refuse too. The day is counted in Copenhagen; `--at` checks for another day."
    bad "signed = 2023-01-15\nreview = 2024-01-15\nexpires = 2025-01-14"
    good "signed = 2026-01-15\nreview = 2027-01-15\nexpires = 2028-01-14"

    REVIEW_OVERDUE "TAVS0302" Warning "the agreement is due for review"
    "The day by which the clinic meant to look at the agreement again has passed (GDPR art. 24(1), 28(1)). The policy stays in force until it expires."
    bad "review = 2025-01-15"
    good "review = 2027-01-15"

    PRIVACY_SHIELD "TAVS0303" Error "Privacy Shield is no ground"
    "The EU Court of Justice declared the Privacy Shield decision invalid on 16 July 2020 (C-311/18, Schrems II). The USA is a third country. An organisation certified under the Data Privacy Framework, (EU) 2023/1795, may receive with `ground = \"dpf\"`, the evidence, and the day when the certification was last looked up."
    bad "country = \"US\"\nground = \"Privacy Shield\""
    good "country = \"US\"\nground = \"dpf\"\nevidence = \"dataprivacyframework.gov entry, filed as T-12\"\nverified = 2026-05-01"

    THIRD_COUNTRY_WITHOUT_GROUND "TAVS0304" Error "a third country without ground"
    "The country is outside the EU and EEA. Data may go there only on a ground of GDPR chapter V: `adequacy` (art. 45), `dpf` (art. 45, (EU) 2023/1795, certified organisations in the USA only), `scc` (art. 46(2)(c)), `bcr` (art. 47) or `art-49`."
    bad "country = \"IN\""
    good "country = \"IN\"\nground = \"scc\"\nevidence = \"SCC module 2, signed, T-9\"\nverified = 2026-05-01"

    GROUND_WITHOUT_EVIDENCE "TAVS0305" Error "a transfer ground without evidence"
    "The clinic must be able to show that the ground holds (GDPR art. 5(2), 24). `evidence` says where the proof is filed, `verified` when someone last made sure that it still holds."
    bad "country = \"US\"\nground = \"scc\""
    good "country = \"US\"\nground = \"scc\"\nevidence = \"SCC module 2, signed, T-9\"\nverified = 2026-05-01"

    GROUND_DOES_NOT_APPLY "TAVS0306" Error "a transfer ground that does not apply"
    "The Data Privacy Framework covers recipients in the USA only, and `adequacy` only countries of which the Commission has decided so. Use `scc` or `bcr` elsewhere."
    bad "country = \"IN\"\nground = \"adequacy\""
    good "country = \"IN\"\nground = \"scc\"\nevidence = \"SCC module 2, signed, T-9\"\nverified = 2026-05-01"

    DPF_EVIDENCE_OLD "TAVS0307" Warning "the certification was looked up long ago"
    "A certification under the Data Privacy Framework is renewed every year, and may lapse. It was last looked up more than 365 days ago: look again, and write the day."
    bad "ground = \"dpf\"\nverified = 2024-05-01"
    good "ground = \"dpf\"\nverified = 2026-05-01"

    IMPROVEMENT_WITHOUT_CONSENT "TAVS0308" Error "improvement without consent"
    "The clinics' privacy policy promises that personal data are used to improve products only with the subject's explicit consent. `consent = \"required\"` withholds the records of all who have not given it."
    bad "category = \"improvement\"\nconsent = \"not-required\""
    good "category = \"improvement\"\nconsent = \"required\""

    CONTROLLER_WITHOUT_CONSENT "TAVS0309" Error "a controller in a third country without consent"
    "The clinics' privacy policy promises to ask for consent before data go to a third country, but to processors. A controller there needs `consent = \"required\"`."
    bad "relation = \"controller\"\ncountry = \"US\"\nconsent = \"not-required\""
    good "relation = \"controller\"\ncountry = \"US\"\nconsent = \"required\""

    LINKABLE_IMPROVEMENT "TAVS0310" Error "stable pseudonyms under improvement"
    "With `linkability = \"domain\"` the recipient can follow a person from one response to the next and build a profile, which the clinics' privacy policy rules out. Pseudonyms for improvement last for one document, or are never the same twice."
    bad "category = \"improvement\"\nlinkability = \"domain\""
    good "category = \"improvement\"\nlinkability = \"document\""

    HEALTH_WITHOUT_BASIS "TAVS0311" Error "health data without a basis"
    "The member looks like data concerning health (GDPR art. 4(15)), by its name or by the kind of resource. Such data need a basis of art. 9(2), or of Danish law made under it, beside the one of art. 6. Name it in `basis`, or withhold the member."
    bad "basis = [\"gdpr-6-1-b\"]\n\"$.diagnose\" = \"keep\""
    good "basis = [\"gdpr-6-1-b\", \"gdpr-9-2-h\"]\n\"$.diagnose\" = \"keep\""

    IDENTIFIER_BESIDE_UNLINKABLE "TAVS0312" Error "a stable identifier beside pseudonyms that are not"
    "The pseudonyms are meant to differ from response to response, and a member that stays the same is kept beside them: whoever receives both can link all the same."
    bad "linkability = \"none\"\n\"$.mobil\" = \"keep\""
    good "linkability = \"none\"\n\"$.mobil\" = { mask = \"last-4\" }"

    RESEARCH_WITHOUT_PERMIT "TAVS0313" Error "research abroad without a permit"
    "Data processed for research under Databeskyttelsesloven § 10 may be passed to a third party outside the GDPR's territory only with prior permission of Datatilsynet (§ 10(3)). `permit` names it."
    bad "relation = \"research\"\ncountry = \"US\""
    good "relation = \"research\"\ncountry = \"US\"\npermit = \"Datatilsynet 2026-42-1234\""

    NOT_YET_SIGNED "TAVS0314" Warning "the agreement is not signed yet"
    "The day of signing lies ahead. Until then there is no agreement under which to disclose, and the proxy refuses every request."
    bad "signed = 2099-01-15"
    good "signed = 2026-01-15"

    UNKNOWN_COUNTRY "TAVS0315" Error "unknown country"
    "The code is none of ISO 3166-1 alpha-2, so that nobody can say whether data may go there."
    bad "country = \"UK\""
    good "country = \"GB\""

    SCHEME_CANNOT "TAVS0316" Error "a pseudonym that the scheme cannot make"
    "`digits` permutes CPR numbers: it has no pseudonyms for ids, references and e-CPRs, and none that change. `sealed` carries the value in the pseudonym, and a pseudonym has 64 characters at most: beside what changes with each response there is no room for an id. What has no pseudonym would be withheld from every response. A pseudonym of `table` stands in the store beside its value, and does not change. Only `sealed` and `table` pseudonyms can be resolved, those of ids with `linkability = \"domain\"`."
    bad "scheme = \"digits\"\n\"$.id\" = { pseudonymise = \"id\" }"
    good "scheme = \"keyed\"\n\"$.id\" = { pseudonymise = \"id\" }"

    TRANSFER_LAPSED "TAVS0317" Error "the ground for the transfer has lapsed"
    "After the last day that `[transfer]` names, data may no longer go to that country (GDPR art. 44): the proxy refuses every request, and `tavs test` and `tavs rewrite` refuse too. A certification under the Data Privacy Framework ends each year, and some decisions on adequacy have a last day. The day is counted in Copenhagen; `--at` checks for another day."
    bad "[transfer]\ncountry = \"US\"\nground = \"dpf\"\nevidence = \"dataprivacyframework.gov entry, filed as T-12\"\nverified = 2026-05-01\nexpires = 2026-05-20"
    good "[transfer]\ncountry = \"US\"\nground = \"dpf\"\nevidence = \"dataprivacyframework.gov entry, filed as T-12\"\nverified = 2026-05-01\nexpires = 2027-03-31"
}
