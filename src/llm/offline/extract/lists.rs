//! The words that the extraction rules know.

/// Animals that live with people.
pub(crate) const PETS: &[&str] = &[
    "dog", "cat", "puppy", "kitten", "hamster", "rabbit", "bunny", "parrot", "bird", "budgie", "canary", "horse", "pony",
    "fish", "goldfish", "turtle", "tortoise", "snake", "lizard", "gecko", "guinea", "ferret", "rat", "mouse", "hedgehog",
    "chicken", "hen", "duck", "goat", "sheep", "pig", "donkey", "cow", "frog", "spider", "tarantula", "axolotl", "chinchilla",
    "labrador", "poodle", "terrier", "beagle", "corgi", "dachshund", "husky", "retriever", "pug", "tomcat", "cockatiel", "pet",
];

/// People one has.
pub(crate) const RELATIONS: &[&str] = &[
    "sister", "brother", "mother", "mum", "mummy", "father", "dad", "wife", "husband", "partner", "girlfriend", "boyfriend",
    "fiancé", "fiance", "fiancée", "fiancee", "son", "daughter", "friend", "bestie", "aunt", "uncle", "cousin", "grandmother",
    "grandma", "grandfather", "grandpa", "niece", "nephew", "boss", "manager", "roommate", "flatmate", "housemate", "colleague",
    "coworker", "neighbour", "twin", "baby", "kid", "child", "stepfather", "stepmother", "teacher", "therapist", "landlord",
];

/// Words in front of a pet or a person that belong to it.
pub(crate) const DESCRIBING: &[&str] = &[
    "little", "big", "old", "older", "younger", "elder", "eldest", "oldest", "youngest", "young", "new", "lovely", "beautiful",
    "cute", "small", "tiny", "black", "white", "grey", "gray", "brown", "ginger", "orange", "best", "good", "close", "twin", "half",
    "step", "sweet", "dear", "rescue", "pet", "golden", "german", "fat", "adorable", "crazy", "stupid", "silly", "wonderful", "great",
];

/// Small numbers as words; the index is the number less one.
pub(crate) const NUMBERS: &[&str] =
    &["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

/// Objects that name nothing.
pub(crate) const POINTING: &[&str] = &[
    "it", "that", "this", "them", "they", "him", "her", "you", "there", "here", "one", "everything", "something", "anything",
    "nothing", "someone", "everyone", "these", "those", "so", "what", "me", "us", "myself", "i", "we", "same", "he", "she",
    "to", "not", "how", "when", "where", "who", "why", "if", "your", "yours", "mine", "both", "all", "none", "neither", "too",
];

/// States that follow `I'm`, so that they are not taken for names.
pub(crate) const STATES: &[&str] = &[
    "back", "new", "here", "bored", "tired", "sad", "happy", "fine", "good", "ok", "great", "sick", "home", "lost", "confused",
    "curious", "ready", "late", "sorry", "dead", "hungry", "thirsty", "drunk", "single", "lonely", "depressed", "married", "well",
    "alive", "cold", "hot", "busy", "free", "done", "in", "out", "up", "down", "off", "on", "mad", "angry", "upset", "scared",
    "afraid", "alone", "awake", "asleep", "better", "worse", "bad", "nervous", "anxious", "stressed", "excited", "proud", "glad",
    "sure", "unsure", "serious", "joking", "kidding", "human", "real", "gay", "straight", "bi", "trans", "pregnant", "vegan",
    "vegetarian", "old", "young", "tall", "short", "shy", "quiet", "weird", "crazy", "stupid", "right", "wrong", "true", "not",
    "so", "very", "too", "terrible", "awful", "amazing", "perfect", "stuck", "broke", "rich", "poor", "famous", "available",
    "interested", "impressed", "jealous", "honest", "yours", "blessed", "cool", "nice", "kind", "batman", "god", "nobody", "someone",
    "left-handed", "retired", "unemployed", "divorced", "widowed", "engaged", "speechless", "exhausted", "overwhelmed", "autistic",
    "disabled", "deaf", "blind", "dyslexic", "diabetic", "asthmatic", "ill", "unwell", "miserable", "devastated", "heartbroken",
];

/// Peoples, languages and creeds: capitalised after `I'm`, yet no names.
pub(crate) const PEOPLES: &[&str] = &[
    "spanish", "portuguese", "english", "british", "scottish", "irish", "welsh", "french", "german", "italian", "dutch", "belgian",
    "swiss", "austrian", "polish", "czech", "swedish", "norwegian", "danish", "finnish", "greek", "turkish", "russian", "ukrainian",
    "american", "canadian", "mexican", "brazilian", "argentinian", "chilean", "colombian", "peruvian", "indian", "pakistani",
    "chinese", "japanese", "korean", "thai", "vietnamese", "filipino", "indonesian", "australian", "nigerian", "kenyan",
    "egyptian", "moroccan", "israeli", "iranian", "arab", "african", "asian", "european", "catholic", "christian", "muslim",
    "jewish", "hindu", "buddhist", "atheist", "hungarian", "romanian", "bulgarian", "croatian", "serbian", "icelandic", "galician",
];

/// Endings and words by which an occupation is known.
pub(crate) const JOBS: &[&str] = &[
    "nurse", "teacher", "doctor", "lawyer", "engineer", "student", "chef", "cook", "artist", "writer", "musician", "programmer",
    "developer", "designer", "accountant", "baker", "farmer", "driver", "waiter", "waitress", "barista", "carpenter", "plumber",
    "electrician", "mechanic", "pilot", "scientist", "biologist", "chemist", "physicist", "dentist", "vet", "veterinarian",
    "pharmacist", "librarian", "journalist", "photographer", "actor", "actress", "singer", "dancer", "police", "firefighter",
    "soldier", "sailor", "clerk", "cashier", "manager", "secretary", "consultant", "architect", "historian", "translator",
    "therapist", "psychologist", "counselor", "counsellor", "surgeon", "paramedic", "midwife", "researcher", "professor", "lecturer",
    "analyst", "banker", "gardener", "florist", "butcher", "tailor", "hairdresser", "barber", "painter", "sculptor", "builder",
    "welder", "fisherman", "postman", "salesman", "salesperson", "entrepreneur", "freelancer", "intern", "apprentice", "judge",
    "coach", "trainer", "tutor", "editor", "author", "poet", "composer", "producer", "director", "streamer", "bookkeeper",
    "receptionist", "cleaner", "courier", "janitor", "economist", "geologist", "statistician", "mathematician", "admin", "tester",
];

/// What comes before a place or a thing but does not belong to it.
pub(crate) const ADVERBS: &[&str] = &[
    "also", "really", "just", "currently", "now", "still", "actually", "absolutely", "totally", "simply", "mostly", "recently",
    "finally", "basically", "honestly", "truly", "quite", "presently", "kinda", "definitely", "especially", "always", "originally",
    "usually", "particularly", "already", "both", "even", "deeply", "secretly",
];

/// Phrases end before these.
pub(crate) const ENDERS: &[&str] = &[
    "but", "because", "so", "which", "who", "whom", "that", "when", "while", "since", "where", "although", "though", "unless",
    "until", "cause", "cuz", "and", "or", "if", "after", "before", "whereas", "plus", "then",
];

/// What may trail behind a phrase without belonging to it.
pub(crate) const TRAILING: &[&str] = &[
    "now", "too", "again", "anymore", "lol", "haha", "though", "please", "anyway", "btw", "currently", "actually", "right", "well", "as", "much",
    "very", "lot", "a", "so", "already", "also", "today", "still", "xd", "really", "more", "than", "of", "the", "at", "moment", "most",
];

/// Languages by their English names, with their tags.
pub(crate) const LANGUAGES: &[(&str, &str)] = &[
    ("english", "en"), ("spanish", "es"), ("español", "es"), ("portuguese", "pt"), ("french", "fr"), ("german", "de"), ("deutsch", "de"),
    ("italian", "it"), ("dutch", "nl"), ("polish", "pl"), ("czech", "cs"), ("swedish", "sv"), ("norwegian", "no"), ("danish", "da"),
    ("finnish", "fi"), ("greek", "el"), ("turkish", "tr"), ("russian", "ru"), ("ukrainian", "uk"), ("arabic", "ar"), ("hebrew", "he"),
    ("hindi", "hi"), ("chinese", "zh"), ("mandarin", "zh"), ("japanese", "ja"), ("korean", "ko"), ("vietnamese", "vi"), ("thai", "th"),
    ("indonesian", "id"), ("romanian", "ro"), ("hungarian", "hu"), ("galician", "gl"), ("catalan", "ca"), ("basque", "eu"),
];

/// Feelings: the name of the feeling, and the words that show it.
pub(crate) const FEELINGS: &[(&str, &[&str])] = &[
    ("sadness", &["sad", "cry", "crying", "cried", "died", "death", "grief", "funeral", "miss", "lonely", "depressed", "heartbroken", "miserable"]),
    ("joy", &["happy", "glad", "wonderful", "amazing", "great", "fantastic", "delighted", "excited", "thrilled", "yay", "won", "passed"]),
    ("fear", &["afraid", "scared", "worried", "anxious", "nervous", "terrified", "panic", "fear"]),
    ("anger", &["angry", "furious", "annoyed", "hate", "mad", "unfair"]),
    ("love", &["love", "loved", "adore", "married", "wedding", "engaged"]),
    ("gratitude", &["thank", "thanks", "grateful", "thankful"]),
    ("fatigue", &["tired", "exhausted", "stressed", "overwhelmed", "sleepless"]),
];

/// Given names that are taken as such even in lower case (`im robin`).
pub(crate) const COMMON_NAMES: &[&str] = &[
    "robin", "sam", "alex", "ana", "anna", "maria", "john", "mike", "michael", "david", "sarah", "sara", "emma", "olivia", "noah", "liam",
    "james", "robert", "mary", "linda", "peter", "paul", "mark", "luke", "tom", "thomas", "daniel", "dan", "chris", "ben", "max", "leo",
    "lucas", "lena", "lisa", "laura", "julia", "kate", "kim", "lee", "jane", "alice", "bob", "rob", "joe", "jack", "harry", "george", "oliver",
    "amelia", "mia", "zoe", "chloe", "ella", "lily", "grace", "nina", "eva", "sofia", "isabel", "carlos", "juan", "pedro", "miguel", "jose",
    "luis", "ali", "omar", "fatima", "aisha", "ahmed", "mohammed", "priya", "raj", "arjun", "wei", "yuki", "kenji", "hans", "klaus", "jan",
    "lars", "erik", "ingrid", "pierre", "marie", "claire", "jean", "giulia", "marco", "luca", "ivan", "olga", "katya", "dmitri", "steve",
    "kevin", "brian", "jason", "ryan", "eric", "adam", "nick", "matt", "andrew", "anthony", "jessica", "jennifer", "amy", "ashley", "megan",
    "rachel", "hannah", "emily", "charlotte", "caroline", "melanie", "jordan", "taylor", "casey", "jamie", "charlie", "frank", "henry",
];
