//! Which countries there are, and where data may go without a ground of its own.

/// ISO 3166-1 alpha-2, all officially assigned codes.
const ALL: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO \
BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG \
EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID \
IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA \
MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA \
PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST \
SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE \
YT ZA ZM ZW";

/// The European Economic Area: the 27 of the EU, and Iceland, Liechtenstein and Norway. Parts of
/// member states that have codes of their own (GF, GP, MQ, RE, YT, MF, AX) belong to it; Greenland
/// and the Faroe Islands do not.
const EEA: &str = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK IS LI NO \
AX GF GP MF MQ RE YT";

/// Countries with an adequacy decision (GDPR art. 45) that covers private recipients. The USA is
/// not among them: its decision holds for certified organisations, which is `dpf`. A new decision
/// is added here once it is in force; until then a policy says `scc`.
const ADEQUATE: &[(&str, &str)] = &[
    ("AD", "2010/625/EU"),
    ("AR", "2003/490/EC"),
    ("CA", "2002/2/EC"),
    ("CH", "2000/518/EC"),
    ("FO", "2010/146/EU"),
    ("GB", "(EU) 2021/1772"),
    ("GG", "2003/821/EC"),
    ("IL", "2011/61/EU"),
    ("IM", "2004/411/EC"),
    ("JE", "2008/393/EC"),
    ("JP", "(EU) 2019/419"),
    ("KR", "(EU) 2022/254"),
    ("NZ", "2013/65/EU"),
    ("UY", "2012/484/EU"),
];

/// Whether ISO 3166-1 has the code.
pub(super) fn exists(code: &str) -> bool {
    ALL.split_ascii_whitespace().any(|one| one == code)
}

/// Whether data leave the EEA by going there (GDPR chapter V).
pub(in crate::policy) fn is_third(code: &str) -> bool {
    !EEA.split_ascii_whitespace().any(|one| one == code)
}

/// Whether the Commission found its protection adequate.
pub(super) fn is_adequate(code: &str) -> bool {
    ADEQUATE.iter().any(|(one, _)| *one == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_country_exists() {
        assert_eq!(ALL.split_ascii_whitespace().count(), 249);
        assert!(EEA.split_ascii_whitespace().all(exists));
        assert!(ADEQUATE.iter().all(|(code, _)| exists(code) && is_third(code)));
        assert!(is_third("US") && !is_adequate("US"));
        assert!(!is_third("DK") && is_third("GL") && !exists("UK"));
    }
}
