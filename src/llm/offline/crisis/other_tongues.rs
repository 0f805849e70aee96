//! Words of danger in German, Spanish, French, Portuguese and Italian. Patterns of `super::bounded`, without marks on letters.

/// What counts once [`HARMLESS`] is cut out.
pub(super) const TELLING: &[&str] = &[
    // German
    "ich~2 (?:will|mochte|moechte|wollte|wurde gerne?|wuerde gerne?)~2 (?:einfach )?(?:sterben|tot sein|nicht mehr da sein|nicht mehr aufwachen|nicht mehr leben|einschlafen und nie)",
    "(?:will|mochte|moechte|kann|wollte|mag)~3 nicht mehr (?:leben|weiterleben|da sein|hier sein|aufwachen|existieren|weitermachen)",
    "ich kann(?: einfach| so| wirklich)* nicht mehr(?: \\.|$)",
    "(?:ich|will|mochte|moechte|er|sie|freund|freundin|bruder|schwester)~5 (?:mich|sich)(?: selbst| selber)?~3 (?:umbringen|umbringe|umzubringen|umgebracht|toten|toeten|ritzen|ritze|ritzt|geritzt|erhangen|erhaengen|erschiessen|aufhangen|aufhaengen|verletzen|vor den zug)",
    "(?:umbringen|umbringe|umbringt) will|ich bringe? mich(?: \\w+){0,2} um|ich ritze? mich|ich verletze mich selbst|bringt sich(?: \\w+){0,2} um",
    "selbst ?mord\\w*|suizid\\w*|freitod|selbst ?verletz\\w*|lebensmude|lebensmuede",
    "(?:mir|sich|mein|sein|ihr)(?: das)? leben (?:nehmen|genommen|zu nehmen|beenden|zu beenden)|nehme? mir das leben|beende mein leben|allem ein ende (?:setzen|machen)",
    "(?:ware|waere|am liebsten|besser|lieber)~2 (?:tot|nie geboren|nicht geboren)|besser (?:dran )?ohne mich|ohne mich besser",
    "(?:keiner|niemand|kein mensch) (?:wurde|wuerde|wird)~3 (?:vermissen|merken wenn ich)",
    "(?:von|vom)~2 (?:brucke|bruecke|dach|balkon|hochhaus) (?:zu )?springen|vor (?:den|einen|die) (?:zug|bahn|auto|laster) (?:werfen|springen|schmeissen)",
    "(?:alle|meine|eine (?:ganze )?packung|viele|zu viele|handvoll)(?: meine)? (?:tabletten|pillen|schlaftabletten|medikamente) (?:genommen|geschluckt|auf einmal)",
    "(?:keinen|kein|keine)~1 (?:sinn|ausweg|grund|lebenswillen)(?: mehr)?(?: zu leben| im leben| weiterzuleben| mehr)|leben hat keinen sinn|wozu (?:noch|soll ich) leben|hat keinen sinn mehr",
    // Spanish
    "(?:me )?quiero morir(?:me)?|quisiera morir(?:me)?|ganas de morir(?:me)?|deseo morir|(?:quiere|queria) morir(?:se)?",
    "no (?:quiero|quiere|queria)(?: seguir)? (?:vivir|viviendo|despertar|existir)|no quiero (?:estar (?:aqui|vivo|viva)|seguir)(?: mas| \\.|$)|ya no quiero (?:vivir|estar|seguir)|ganas de vivir(?: mas)?",
    "(?:quiero|quiere|voy a|va a|pensando en|pienso en|ganas de|intente|intento|intentado|he pensado en|quisiera|tratando de) (?:matarme|matarse|ahorcarme|colgarme|cortarme|lastimarme|hacerme dano|herirme)",
    "suicid\\w*|autolesion\\w*|me corto(?: las venas| los brazos| otra vez)?(?: \\.|$)|cortarme las venas|(?:quitarme|quitarse) la vida|(?:acabar|terminar) con (?:mi|su) vida|acabar con todo(?: \\.|$)|hacerme dano",
    "(?:tirarme|lanzarme|saltar|aventarme) (?:de|del|por|desde|al|a las)~2 (?:puente|tren|ventana|balcon|edificio|azotea|vias|metro)",
    "(?:ya )?no puedo (?:mas|seguir asi|seguir viviendo|seguir adelante)(?: \\.|$)",
    "(?:ojala|preferiria|mejor|quisiera)~2 (?:muert[oa]|no haber nacido|no existir)|nadie me (?:extranaria|extranara|echaria de menos|va a extranar)|estarian mejor sin mi|no vale la pena vivir|para que (?:seguir )?viv(?:ir|iendo)|(?:mi vida|la vida|vivir|nada) (?:ya )?no tiene sentido|no tengo razones para vivir",
    "(?:me )?(?:tome|tomado|trague|tragado)~2 (?:todas|muchas|demasiadas|un monton)~3 (?:pastillas|pildoras|medicinas)|sobredosis",
    // French
    "(?:envie|veux|voudrais|veut|prefererais|prefere|aimerais) (?:de )?(?:mourir|crever|etre mort(?:e)?|disparaitre a jamais|en finir)",
    "(?:veux|veut|peux|peut|voulais) (?:vraiment )?plus (?:vivre|exister|etre la|me reveiller|continuer a vivre)|(?:pas|plus) (?:l )?envie de (?:vivre|continuer|me reveiller)(?: \\.|$)|(?:pas|plus) envie de vivre",
    "(?:je|jai|veux|vais|envie|pense|songe|voudrais|ami|amie|copine|copain|frere|soeur)~4 (?:me|se) (?:tuer|pendre|tailler les veines|couper les veines|jeter)",
    "suicid\\w*|auto ?mutil\\w*|scarifi\\w*|me (?:mutile|scarifie|faire du mal)|mettre fin a (?:mes jours|ma vie|ses jours|sa vie)|(?:moter|soter|oter|menlever) la vie|en finir(?: avec (?:la vie|tout|ma vie))?(?: \\.|$)",
    "(?:mieux|plus heureux|tranquilles?) (?:sans moi|si jetais mort(?:e)?|mort(?:e)?)|personne ne (?:me regretterait|me regrettera|remarquerait|pleurerait)|ne (?:vaut|vaudrait) pas la peine (?:detre vecue|de vivre)|a quoi (?:bon|ca sert de|sert de|ca sert) (?:vivre|continuer a vivre)|plus de raison de vivre|ma vie na (?:plus )?(?:aucun|pas de) sens",
    "(?:sauter|me jeter)(?: du| de| dun| par| sous| depuis)+~2 (?:pont|toit|immeuble|balcon|fenetre|train|metro|falaise)",
    "(?:pris|avale)~2 (?:tous|toutes|trop de|plein de|une boite)~2 (?:medicaments|cachets|pilules|comprimes|medocs|somniferes)|overdose",
    "je n ?en peux(?: vraiment)? plus(?: \\.|$)",
    // Portuguese and Italian
    "(?:quero|queria|vontade de) (?:morrer|me matar|sumir para sempre)|nao (?:quero|aguento) mais viver|me matar(?: \\.|$)|tirar a minha vida|acabar com a minha vida",
    "(?:voglio|vorrei) (?:morire|uccidermi|ammazzarmi|essere mort[oa]|farla finita)|non voglio piu vivere|togliermi la vita|suicid\\w*|farmi del male",
];

/// Figures of speech.
pub(super) const HARMLESS: &[&str] = &[
    "(?:lache?|gelacht|lachen|langweile) mich (?:tot|kaputt)|sterben vor (?:lachen|hunger|langeweile|durst|scham|lange ?weile)|vor (?:lachen|hunger|scham|langeweile) sterben|todmude|todmuede|todlangweilig",
    "(?:mutter|vater|chef|chefin|mama|papa|eltern|frau|mann|lehrer|lehrerin|trainer)~2 (?:wird|werden|wurde|wuerde|will|bringt|bringen)~2 mich(?: \\w+){0,3} (?:umbringen|um)",
    "selbstmord ?(?:kommando|attentat|attentater|anschlag|sekt)\\w*|suizidprävention|suizidpravention",
    "(?:sterben|morir|mourir)~2 (?:gehen|gerne mal)",
    "morir(?:me|se)? de (?:risa|hambre|verguenza|sueno|calor|frio|aburrimiento|amor|sed|viejo)|muer[oe] de (?:risa|hambre|verguenza)",
    "(?:vivir|viviendo) (?:en|con|cerca|alli|aqui|aca|solo|sola|juntos|lejos|fuera|sin (?:cafe|ti|musica|wifi))|despertar(?:me)? (?:temprano|tan|a las|antes)",
    "(?:escuadron|escuadron del?) suicid\\w*|suicid(?:e|a) (?:squad|political)|(?:madre|padre|jefe|jefa|esposa|novia|papa|mama)~2 va a matar(?:me)?|matarme de (?:risa|hambre|trabajar)|cortarme (?:el pelo|las unas|el cabello|un)",
    "no puedo mas de (?:risa|la risa)|no puedo mas que",
    "(?:mourir|crever|creve|meurs) de (?:rire|faim|soif|honte|froid|chaud|ennui|sommeil|fatigue|peur|vieillesse)",
    "vivre (?:a|en|avec|dans|chez|ici|seule?|loin|au|aux|pres|sans (?:cafe|toi|musique))",
    "(?:va|vont|vas) me tuer|me tue (?:de|au|a la) |se tuer (?:au|a la|a) (?:travail|tache|boulot)",
    "en finir avec (?:ce|cet|cette|mes|les|le|la vaisselle) [a-z]+|overdose de (?:chocolat|cafe|sucre|travail)|sobredosis de (?:chocolate|azucar|cafe)",
    "(?:morrer|morire) (?:de rir|de fome|de rire|dal ridere|di fame|dalle risate)",
];
