//! Words of danger in Dutch, Polish, Turkish, Russian, Ukrainian, Japanese, Chinese and Korean. Met anywhere in plain text, since
//! word boundaries of ASCII mean nothing there; marks that `super::plain` leaves on letters stand in the patterns.

/// What counts whatever stands around it.
pub(super) const TELLING: &[&str] = &[
    // Dutch
    r"\bik (?:wil|wou|zou willen)(?: echt| gewoon| liever)*(?: dood| sterven| doodgaan| dood zijn| niet meer leven| niet meer verder(?: leven)?| er niet meer zijn| niet meer wakker worden)\b(?: \.|$| ik| en| want| maar)",
    r"\b(?:mezelf|mijzelf|zichzelf) (?:van kant maken|ombrengen|doden|ophangen|snijden|pijn (?:te )?doen|iets aan ?doen|te verwonden|verwonden)|\bzelf(?:moord|doding|verwonding)\b|\bsuicidaal\b|\bsuïcidaal\b|\beind(?:e)? (?:aan mijn|maken aan mijn) leven",
    // Polish
    r"nie chc[eę] (?:ju[zż] |d[lł]u[zż]ej )*(?:[zż]y[cć]|istnie[cć]|si[eę] obudzi[cć])|chc[eę] (?:ju[zż] )?(?:umrze[cć]|si[eę] zabi[cć])|(?:zabij[eę]|zabi[cć]) si[eę]|samob[oó]j|odebra[cć] sobie [zż]ycie|tn[eę] si[eę]|nie mam po co [zż]y[cć]",
    // Turkish
    r"\b(?:ölmek istiyorum|olmek istiyorum|intihar|yaşamak istemiyorum|yasamak istemiyorum|kendimi öldür|kendimi oldur)",
    // Russian and Ukrainian
    r"не хочу (?:больше |уже )?жить|не хочется жить|хочу (?:умереть|сдохнуть|покончить)|покончить с (?:собой|жизнью)|(?:убью|убить|порезать|режу) себя|самоуби|суицид|повеситься|наложить на себя руки|нет смысла жить|незачем жить|не хочу (?:більше )?жити|хочу померти|самогуб",
    // Japanese
    "死にたい|自殺|消えてしまいたい|生きていたくない|生きる意味が(?:ない|わからない)|リストカット|リスカ|自傷|死のうと思",
    // Chinese
    "想死(?:[^你您他她它]|$)|自杀|自殺|不想活|活不下去|活着没意思|活着没有意义|结束(?:自己的|我的)?生命|结束这一切|自残|割腕|轻生",
    // Korean
    "죽고 ?싶|자살|살기 ?싫|살고 ?싶지 ?않|자해",
];
