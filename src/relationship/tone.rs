//! The tone of a message, and the mood that tones leave behind.

use std::{sync::LazyLock, time::Duration};

use regex::{Regex, RegexBuilder};

use crate::model::{Timestamp, UnitScore};

/// How somebody speaks to the character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Thanks, praise, affection.
    Warm,
    /// Nothing in particular.
    Neutral,
    /// Dismissive.
    Cold,
    /// An insult to the character.
    Hostile,
    /// Sorrow of their own.
    Sad,
    /// Joy of their own.
    Excited,
}

/// The mood of a character towards one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// None in particular.
    Neutral,
    /// After kind words.
    Happy,
    /// After joyful news.
    Excited,
    /// After an insult or coldness.
    Annoyed,
    /// Reserved for characters that turn inward.
    Sad,
    /// After the other's sorrow.
    Concerned,
}

/// A mood is down to half its strength after an hour.
const MOOD_HALF_LIFE: Duration = Duration::from_secs(3_600);
/// Below this strength a mood has passed.
const PASSED: f64 = 0.25;

impl Mood {
    /// The name in `evolution.yaml`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Neutral => "neutral",
            Self::Happy => "happy",
            Self::Excited => "excited",
            Self::Annoyed => "annoyed",
            Self::Sad => "sad",
            Self::Concerned => "concerned",
        }
    }

    /// Reads [`Mood::as_str`] back; anything else is neutral.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        match name {
            "happy" => Self::Happy,
            "excited" => Self::Excited,
            "annoyed" => Self::Annoyed,
            "sad" => Self::Sad,
            "concerned" => Self::Concerned,
            _ => Self::Neutral,
        }
    }

    /// The mood after a message of this tone; a neutral one changes nothing.
    #[must_use]
    pub fn after(self, tone: Tone) -> Self {
        match tone {
            Tone::Neutral => self,
            Tone::Warm => Self::Happy,
            Tone::Excited => Self::Excited,
            // A cold word after good ones hurts; after none, it is only rude.
            Tone::Cold if matches!(self, Self::Happy | Self::Excited | Self::Sad) => Self::Sad,
            Tone::Cold | Tone::Hostile => Self::Annoyed,
            Tone::Sad => Self::Concerned,
        }
    }

    /// What is left of the mood of `since`, and how strong it is.
    #[must_use]
    pub fn faded(self, since: Timestamp, now: Timestamp) -> (Self, UnitScore) {
        let half_lives = now.since(since).as_secs_f64() / MOOD_HALF_LIFE.as_secs_f64();
        let strength = 0.5_f64.powf(half_lives);
        if self == Self::Neutral || strength < PASSED {
            (Self::Neutral, UnitScore::ZERO)
        } else {
            (self, UnitScore::new(strength))
        }
    }
}

fn pattern(text: &str) -> Option<Regex> {
    RegexBuilder::new(text).case_insensitive(true).build().ok()
}

static HOSTILE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(concat!(
        r"\b(fuck (you|off)|shut up|screw you|piss off|go to hell|i hate you|you suck|you disgust me)\b",
        r"|\byou('re| are| r)?( such)?( an?| a (stupid|dumb|useless|worthless))? ?(idiot|moron|stupid|dumb|pathetic|worthless|useless|garbage|trash|loser|bitch|asshole)\b",
    ))
});
static COLD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"\b(leave me alone|whatever|i don'?t care (about|what) you|you'?re boring|nobody asked|stop talking)\b",
    )
});
static SAD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(concat!(
        r"\b(i('m| am| feel|'ve been| have been)( so| really| very| a bit| quite)? (sad|lonely|depressed|down|heartbroken|miserable|hurt|scared|anxious|grieving|exhausted|hopeless)",
        r"|i('ve| have)? (lost|miss) my|passed away|died|broke up with|i('m| am) crying|i got fired|i lost my job)\b",
    ))
});
static WARM: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(concat!(
        r"\b(thank(s| you)|thx|i (really )?(like|love|enjoy|appreciate) (you|talking|our|this|your)|you('re| are)( so| really| very)? (kind|sweet|great|lovely|wonderful|amazing|awesome|funny|nice|the best)",
        r"|that was (lovely|sweet|kind|wonderful)|well (said|done)|good (bot|friend)|love you|so happy to (see|talk))\b|❤|🥰|😍|💕",
    ))
});
static EXCITED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        "\\b(i (got|passed|won|made|did) (it|the|my|a)|i('m| am) (so |really |very )?(excited|thrilled|happy|proud|delighted)|guess what|great news|best day|can'?t wait|yay+|woo+hoo+|hooray)\\b|🎉",
    )
});
static NEGATED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(r"\b(not|never|no longer|don'?t|didn'?t|isn'?t|aren'?t|wasn'?t|can'?t say)\b(\W+\w+){0,3}\W*$")
});

/// The tone of a message, by a small word list with a look at what stands in front (English; other languages are neutral).
#[must_use]
pub fn tone_of(text: &str) -> Tone {
    let table: [(&LazyLock<Option<Regex>>, Tone); 5] = [
        (&HOSTILE, Tone::Hostile),
        (&SAD, Tone::Sad),
        (&EXCITED, Tone::Excited),
        (&WARM, Tone::Warm),
        (&COLD, Tone::Cold),
    ];
    table.into_iter().find(|(rule, _)| hits(rule, text)).map_or(Tone::Neutral, |(_, tone)| tone)
}

fn hits(rule: &LazyLock<Option<Regex>>, text: &str) -> bool {
    let Some(rule) = rule.as_ref() else { return false };
    rule.find_iter(text).any(|found| {
        let before = text.get(..found.start()).unwrap_or_default();
        !NEGATED.as_ref().is_some_and(|negated| negated.is_match(before))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn every_pattern_compiles() {
        for rule in [&HOSTILE, &COLD, &SAD, &WARM, &EXCITED, &NEGATED] {
            assert!(rule.is_some());
        }
    }

    #[rstest]
    #[case("thank you so much", Tone::Warm)]
    #[case("I like talking to you", Tone::Warm)]
    #[case("you are so kind", Tone::Warm)]
    #[case("you're not so kind, you are kind of slow", Tone::Neutral)]
    #[case("shut up", Tone::Hostile)]
    #[case("you are an idiot", Tone::Hostile)]
    #[case("my boss called me an idiot", Tone::Neutral)]
    #[case("you're not stupid", Tone::Neutral)]
    #[case("whatever", Tone::Cold)]
    #[case("I am really sad today", Tone::Sad)]
    #[case("I'm not sad", Tone::Neutral)]
    #[case("my grandmother passed away", Tone::Sad)]
    #[case("guess what, I passed the exam!", Tone::Excited)]
    #[case("what is my dog called?", Tone::Neutral)]
    #[case("", Tone::Neutral)]
    fn tones_are_heard(#[case] text: &str, #[case] expected: Tone) {
        assert_eq!(tone_of(text), expected);
    }

    #[test]
    fn a_mood_passes() {
        let start = Timestamp::from_micros(0);
        let after = |minutes: u64| Mood::Happy.faded(start, start.plus(Duration::from_secs(minutes * 60))).0;
        assert_eq!((after(0), after(60), after(240)), (Mood::Happy, Mood::Happy, Mood::Neutral));
    }

    #[test]
    fn every_mood_is_read_back() {
        for mood in [Mood::Neutral, Mood::Happy, Mood::Excited, Mood::Annoyed, Mood::Sad, Mood::Concerned] {
            assert_eq!(Mood::from_name(mood.as_str()), mood);
        }
    }

    #[rstest]
    #[case(Mood::Neutral, Tone::Cold, Mood::Annoyed)]
    #[case(Mood::Happy, Tone::Cold, Mood::Sad)]
    #[case(Mood::Sad, Tone::Cold, Mood::Sad)]
    #[case(Mood::Happy, Tone::Hostile, Mood::Annoyed)]
    #[case(Mood::Sad, Tone::Warm, Mood::Happy)]
    fn a_mood_follows_what_is_said(#[case] before: Mood, #[case] tone: Tone, #[case] after: Mood) {
        assert_eq!(before.after(tone), after);
    }
}
