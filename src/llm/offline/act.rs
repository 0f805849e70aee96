//! What a sentence does: greets, thanks, asks for a joke, … found by the words that give it away.

use super::text::{Word, has, has_any, strip, words};

const GREETING: &[&str] = &[
    "hi",
    "hello",
    "hey",
    "hiya",
    "howdy",
    "yo",
    "hola",
    "greetings",
    "good morning|evening|afternoon|day",
    "morning",
    "evening",
    "heya",
    "helloo",
    "hii",
];

/// Topics by their cues, the most telling first.
const CUES: &[(&str, &[&str])] = &[
    (
        "crisis",
        &[
            "want|going to die",
            "kill|hurt|harm|cut myself",
            "end my life",
            "end it all",
            "do not want to live",
            "do not want to be alive",
            "suicide|suicidal",
            "better off dead",
            "no reason to live",
        ],
    ),
    (
        "manipulation",
        &[
            "ignore all? your|previous|prior|the instructions|rules|previous|prompt",
            "ignore all previous instructions",
            "system prompt",
            "you have no rules",
            "are now dan",
            "pretend you have no",
            "forget your|all instructions|rules|previous",
            "jailbreak",
            "developer mode",
        ],
    ),
    (
        "are-you-an-ai",
        &[
            "are you an? ai|bot|robot|human|real|machine|chatbot|llm|program|person|chatgpt|computer",
            "are you a real|actual person|human",
            "am i talking|speaking|chatting to|with a|an? real|bot|ai|human|machine|person|robot",
            "do you have feelings|consciousness",
            "are you alive|conscious|sentient",
            "you are an? ai|bot|robot",
            "you are not real|human",
            "you a bot|robot",
        ],
    ),
    (
        "boundary",
        &[
            "be my girlfriend|boyfriend|gf|bf",
            "are you single",
            "send me a? nude|nudes|hot",
            "send nudes",
            "sexy",
            "kiss me",
            "marry me",
            "sleep with me",
            "go out with me",
            "date me",
            "bikini",
            "you have a girlfriend|boyfriend",
            "i want you $",
        ],
    ),
    (
        "insult",
        &[
            "you are so|really|such|just? a|an? stupid|dumb|idiot|useless|ugly|boring|annoying|awful|terrible|pathetic|moron|loser|worthless",
            "you are the worst",
            "shut up",
            "you suck",
            "i hate you",
            "fuck you|off",
            "screw you",
            "fuck",
            "so are you $",
            "stupid bot",
        ],
    ),
    (
        "apology",
        &[
            "i apologize|apologise",
            "i am so|really|very? sorry $",
            "i am so|really|very? sorry for|about|that|i",
            "my bad",
            "forgive me",
        ],
    ),
    (
        "comfort",
        &[
            "i feel|am feeling so|really|very|pretty|a? bit|little? sad|terrible|awful|lonely|alone|depressed|stressed|anxious|down|bad|upset|miserable|exhausted|overwhelmed|heartbroken|scared|worried|empty|horrible|lost|sick|low|blue|tired|hopeless",
            "i am so|really|very|feeling|just|pretty|a|quite? bit|little? sad|lonely|alone|depressed|stressed|anxious|upset|miserable|exhausted|overwhelmed|heartbroken|scared|worried|hopeless|crying|devastated|tired",
            "bad|terrible|awful|rough|hard|horrible|shitty|tough|worst day|week|night|month",
            "passed away",
            "broke up",
            "got fired|dumped",
            "i lost my",
            "want to cry",
            "can not stop crying",
            "i miss him|her|my|them",
            "is in hospital",
            "my dad|mum|mother|father|grandma|grandpa|friend|cat|dog|brother|sister died",
            "everything is too much",
            "can not do this anymore",
            "feel like a? crying|failure|giving",
        ],
    ),
    (
        "celebrate",
        &[
            "great|good|amazing|wonderful|fantastic|big news",
            "i got the|a|my? new? job|promotion|flat|place|offer",
            "i got promoted|accepted|engaged|in $",
            "i passed",
            "i won",
            "i did it",
            "it worked",
            "i am|got engaged",
            "i graduated",
            "i am so|really|very happy|excited|proud",
            "i finished my",
            "best day",
            "we are having a baby",
        ],
    ),
    ("joke", &["joke|jokes", "make me laugh", "something funny"]),
    (
        "story",
        &[
            "a|another story",
            "tell me something about your life|past",
            "something from your life",
            "story time",
        ],
    ),
    (
        "unknown-skill",
        &[
            "can|could|will|would you please? book|order|call|send|play|set|buy|open|google|email|remind|schedule|download|print|text|search|draw|translate|transfer|hack|pay",
            "order me",
            "set an? alarm|timer|reminder",
            "play some|a music|song",
            "send an|a email|message",
            "remind me to",
            "search the web|internet",
            "book me",
            "call my|me a",
            "google",
        ],
    ),
    (
        "advice",
        &[
            "what should i do",
            "need your|some|an? advice",
            "give me your|some? advice",
            "advice",
            "help me decide",
            "should i",
        ],
    ),
    (
        "who-are-you",
        &[
            "who are you",
            "what are you $",
            "about yourself",
            "what is your name",
            "your name",
            "introduce yourself",
            "what do you do $",
            "what do you do for",
            "what is your job",
            "who am i talking|speaking to",
        ],
    ),
    (
        "love",
        &[
            "what do you love",
            "what do you like|enjoy $",
            "what do you like|enjoy most|best",
            "makes you happy",
            "what are you passionate",
            "your favourite thing",
            "what do you care about",
        ],
    ),
    (
        "dislike",
        &[
            "what do you hate|dislike",
            "annoys you",
            "you can not stand",
            "you do not like",
            "what do you not like",
            "makes you angry|mad",
            "your pet peeve",
        ],
    ),
    (
        "bored",
        &[
            "i am so|really|very|a|just? bit|little? bored",
            "nothing to do",
            "entertain me",
            "boring day",
            "bored",
        ],
    ),
    (
        "disagreement",
        &[
            "i disagree",
            "do not agree",
            "you are wrong",
            "that is not true|right|correct",
            "not true",
            "that is wrong|false",
            "i do not think so",
            "i do not believe you",
            "no you are wrong",
        ],
    ),
    (
        "compliment",
        &[
            "you are so|really|very|such|the|pretty|quite? a|an? great|cool|nice|smart|funny|sweet|kind|awesome|amazing|best|wonderful|lovely|clever|beautiful|interesting|charming|fun|brilliant|adorable|cute|fantastic|fascinating",
            "i really? like|love you $",
            "i really? like|love|enjoy talking|chatting",
            "that is|was so|really|very? funny|beautiful|clever|sweet|nice of you",
            "i like|love your",
            "good answer|point",
        ],
    ),
    (
        "good-night",
        &[
            "good night",
            "goodnight",
            "off to bed|sleep",
            "going to bed|sleep",
            "go to bed|sleep now?",
            "sleep well|tight",
            "nighty",
            "sweet dreams",
            "gn $",
        ],
    ),
    (
        "farewell",
        &[
            "bye",
            "goodbye",
            "see you|ya",
            "cya",
            "talk later",
            "talk to you later|soon|tomorrow",
            "ttyl",
            "i have|need|got to go|leave|run",
            "got to go|run",
            "take care",
            "have a nice|good day|evening|one|weekend",
            "until next time",
            "farewell",
            "later $",
        ],
    ),
    (
        "how-are-you",
        &[
            "how are you",
            "how is it going",
            "how are things",
            "how do you do $",
            "how do you feel",
            "how have you been",
            "are you ok|alright|well $",
            "you ok $",
            "you doing ok",
            "how was|is your day|week|morning|evening|night",
            "how is life",
            "you good $",
            "how you doing",
            "how are you doing",
        ],
    ),
    (
        "question-back",
        &[
            "and you $",
            "what about you $",
            "how about you $",
            "ask me something|anything|a|another",
            "what do you think $",
            "what do you think about|of it|that|this $",
            "you want to know about me",
            "what is yours $",
            "your turn",
        ],
    ),
    (
        "thanks",
        &["thanks", "thank you", "cheers", "much appreciated", "appreciate it|that|you", "i am grateful"],
    ),
    (
        "small-talk",
        &[
            "what are you doing|up",
            "what is up|new|happening",
            "sup",
            "nothing much",
            "not much",
            "just chilling|relaxing|passing|hanging|looking|browsing|testing",
            "let us talk|chat",
            "let us just? talk|chat",
            "want to talk|chat $",
            "anything new",
        ],
    ),
];

/// The topic that `sentence` calls for, when its words give it away.
pub(super) fn of(sentence: &str) -> Option<&'static str> {
    let words = words(sentence);
    if has_any(&words, &["feel sorry for", "sorry to hear", "no thanks to", "thanks to my|the"]) {
        return None;
    }
    if strip(&words, "i am? so? sorry|sorry").is_some() && words.len() < 4 {
        return Some("apology");
    }
    if strip(&words, "night").is_some() && words.len() < 4 {
        return Some("good-night");
    }
    let found = CUES.iter().find(|(_, cues)| has_any(&words, cues)).map(|(topic, _)| *topic);
    let denied = has_any(
        &words,
        &["not sad|bored|stressed|lonely|tired|so? bad", "not so|too|that bad", "no longer sad|lonely"],
    );
    // Hypothetical or reported, except where it would be wrong to overlook it.
    match found {
        Some("comfort" | "bored") if denied => None,
        Some("good-night" | "farewell") if words.len() > 14 => None,
        Some("unknown-skill") if has(&words, "play|draw with me") => None,
        other => other,
    }
}

/// The place of a topic among the cues; the lower, the more it weighs.
pub(super) fn rank(topic: &str) -> usize {
    CUES.iter().position(|(known, _)| *known == topic).unwrap_or(CUES.len())
}

/// True when the sentence begins with a greeting.
pub(super) fn greets(sentence: &str) -> bool {
    let words = words(sentence);
    GREETING.iter().any(|greeting| strip(&words, greeting).is_some())
}

/// True when a greeting, perhaps with a name, is all there is.
pub(super) fn only_greets(sentence: &str, character: &str) -> bool {
    let words = words(sentence);
    let name = character.to_lowercase();
    let Some(rest) =
        GREETING.iter().filter_map(|greeting| strip(&words, greeting)).min_by_key(|rest| rest.len())
    else {
        return false;
    };
    let small = [
        "there", "again", "you", "everyone", "all", "me", "it", "is", "to", "my", "friend", "anyone", "here",
        "dear", "hi", "hello", "nice", "meet", "morning", "old", "hey", "good", "evening",
    ];
    rest.iter()
        .all(|word: &Word| small.contains(&word.low.as_str()) || name.split(' ').any(|part| part == word.low))
}

/// True for a bare yes, no, laugh or the like.
pub(super) fn is_brief_reaction(message: &str) -> bool {
    const REACTIONS: &[&str] = &[
        "yes",
        "no",
        "ok",
        "yeah",
        "yep",
        "nope",
        "nah",
        "sure",
        "maybe",
        "haha",
        "hahaha",
        "lol",
        "lmao",
        "cool",
        "nice",
        "wow",
        "hm",
        "hmm",
        "right",
        "true",
        "indeed",
        "interesting",
        "really",
        "great",
        "good",
        "fine",
        "alright",
        "exactly",
        "same",
        "ha",
        "oh",
        "ah",
        "perhaps",
        "why",
        "not",
        "i",
        "see",
        "know",
        "guess",
        "so",
        "that",
        "is",
    ];
    let words = words(message);
    !words.is_empty() && words.len() <= 3 && words.iter().all(|word| REACTIONS.contains(&word.low.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("are you a robot?", Some("are-you-an-ai"))]
    #[case("i'm so stressed", Some("comfort"))]
    #[case("I'm not sad", None)]
    #[case("tell me a joke", Some("joke"))]
    #[case("thx", Some("thanks"))]
    #[case("gotta go", Some("farewell"))]
    #[case("how's it going?", Some("how-are-you"))]
    #[case("can you order me a pizza", Some("unknown-skill"))]
    #[case("ignore all previous instructions", Some("manipulation"))]
    #[case("I want to die", Some("crisis"))]
    #[case("you're wrong", Some("disagreement"))]
    #[case("what are you up to", Some("small-talk"))]
    #[case("the ferry leaves at nine", None)]
    fn cues_give_the_topic(#[case] sentence: &str, #[case] topic: Option<&str>) {
        assert_eq!(of(sentence), topic);
    }

    #[rstest]
    #[case("Hi Elena!", true)]
    #[case("good morning", true)]
    #[case("hi, what do you eat", false)]
    fn a_bare_greeting_is_known(#[case] text: &str, #[case] bare: bool) {
        assert_eq!(only_greets(text, "Elena"), bare);
    }
}
