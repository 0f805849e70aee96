//! Commands about how somebody wants to be answered, and what it costs.

use super::{BASE, needed, words};
use crate::platform::command::{
    Command,
    spec::{Kind, Spec, Sub},
};

pub(super) const SETTINGS: Spec = Spec {
    command: Command::Settings,
    name: words("settings", "einstellungen", "ajustes", "réglages"),
    about: words(
        "How you want to be answered",
        "Wie dir geantwortet werden soll",
        "Cómo quieres que te respondan",
        "Comment tu veux qu'on te réponde",
    ),
    aliases: &["set"],
    subs: &[
        Sub {
            name: "show",
            about: words(
                "Shows your settings",
                "Zeigt deine Einstellungen",
                "Muestra tus ajustes",
                "Montre tes réglages",
            ),
            args: &[],
        },
        Sub {
            name: "verbosity",
            about: words(
                "How long answers are",
                "Wie lang Antworten sind",
                "Cuánto duran las respuestas",
                "La longueur des réponses",
            ),
            args: &[needed(
                "value",
                words(
                    "The value; default takes it back",
                    "Der Wert; default nimmt ihn zurück",
                    "El valor; default lo quita",
                    "La valeur ; default la retire",
                ),
                Kind::Choice(&["short", "medium", "long", "default"]),
            )],
        },
        Sub {
            name: "style",
            about: words(
                "How answers sound",
                "Wie Antworten klingen",
                "Cómo suenan las respuestas",
                "Le ton des réponses",
            ),
            args: &[needed(
                "value",
                words(
                    "The value; default takes it back",
                    "Der Wert; default nimmt ihn zurück",
                    "El valor; default lo quita",
                    "La valeur ; default la retire",
                ),
                Kind::Choice(&["casual", "formal", "matching", "default"]),
            )],
        },
        Sub {
            name: "language",
            about: words(
                "The language of answers",
                "Die Sprache der Antworten",
                "El idioma de las respuestas",
                "La langue des réponses",
            ),
            args: &[needed(
                "value",
                words(
                    "The value; default takes it back",
                    "Der Wert; default nimmt ihn zurück",
                    "El valor; default lo quita",
                    "La valeur ; default la retire",
                ),
                Kind::Language,
            )],
        },
        Sub {
            name: "nickname",
            about: words(
                "What you are called",
                "Wie du genannt wirst",
                "Cómo te llaman",
                "Comment on t'appelle",
            ),
            args: &[needed(
                "value",
                words(
                    "The value; default takes it back",
                    "Der Wert; default nimmt ihn zurück",
                    "El valor; default lo quita",
                    "La valeur ; default la retire",
                ),
                Kind::Text { longest: 40 },
            )],
        },
    ],
    default_sub: Some("show"),
    ..BASE
};

pub(super) const TIMEZONE: Spec = Spec {
    command: Command::Timezone,
    name: words("timezone", "zeitzone", "zona-horaria", "fuseau-horaire"),
    about: words("Your time zone", "Deine Zeitzone", "Tu zona horaria", "Ton fuseau horaire"),
    args: &[needed(
        "zone",
        words(
            "Such as Europe/Berlin; default takes it back",
            "Etwa Europe/Berlin; default nimmt sie zurück",
            "Como Europe/Madrid; default la quita",
            "Par exemple Europe/Paris ; default le retire",
        ),
        Kind::Timezone,
    )],
    ..BASE
};

pub(super) const BUDGET: Spec = Spec {
    command: Command::Budget,
    name: words("budget", "kosten", "gasto", "budget"),
    about: words(
        "What your talk has cost",
        "Was dein Gespräch gekostet hat",
        "Cuánto ha costado tu charla",
        "Ce que ta conversation a coûté",
    ),
    ..BASE
};
