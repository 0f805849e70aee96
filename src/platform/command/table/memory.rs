//! Commands about what is kept.

use super::{BASE, SHORT_TEXT, TEXT, needed, words};
use crate::platform::command::{
    Command,
    spec::{Kind, Spec, Sub},
};

pub(super) const MEMORY: Spec = Spec {
    command: Command::Memory,
    name: words("memory", "gedächtnis", "memoria", "mémoire"),
    about: words(
        "What is remembered of what you said",
        "Was von deinen Worten behalten wurde",
        "Lo que se recuerda de lo que dijiste",
        "Ce qui est retenu de tes paroles",
    ),
    subs: &[
        Sub {
            name: "search",
            about: words(
                "Searches by words and meaning",
                "Sucht nach Worten und Bedeutung",
                "Busca por palabras y significado",
                "Cherche par mots et par sens",
            ),
            args: &[needed(
                "words",
                words("What to look for", "Wonach gesucht wird", "Qué buscar", "Ce que tu cherches"),
                SHORT_TEXT,
            )],
        },
        Sub {
            name: "recent",
            about: words(
                "Shows the latest",
                "Zeigt das Neueste",
                "Muestra lo más reciente",
                "Montre le plus récent",
            ),
            args: &[],
        },
    ],
    default_sub: Some("recent"),
    ..BASE
};

pub(super) const REMEMBER: Spec = Spec {
    command: Command::Remember,
    name: words("remember", "merken", "recuerda", "retiens"),
    about: words(
        "Keeps something on purpose",
        "Merkt sich etwas mit Absicht",
        "Guarda algo a propósito",
        "Garde quelque chose exprès",
    ),
    args: &[needed("text", words("What to keep", "Was zu merken ist", "Qué guardar", "Quoi garder"), TEXT)],
    ..BASE
};

pub(super) const FORGET: Spec = Spec {
    command: Command::Forget,
    name: words("forget", "vergessen", "olvida", "oublie"),
    about: words(
        "Deletes what you said; asks first",
        "Löscht, was du gesagt hast; fragt vorher",
        "Borra lo que dijiste; pregunta antes",
        "Efface ce que tu as dit ; demande avant",
    ),
    args: &[needed(
        "what",
        words(
            "Words that it holds, or: last",
            "Worte darin, oder: last",
            "Palabras que contiene, o: last",
            "Des mots qui y sont, ou : last",
        ),
        SHORT_TEXT,
    )],
    ..BASE
};

pub(super) const PRIVACY: Spec = Spec {
    command: Command::Privacy,
    name: words("privacy", "datenschutz", "privacidad", "vie-privée"),
    about: words(
        "What is kept of you, and where it may surface",
        "Was von dir behalten wird, und wo es auftauchen darf",
        "Qué se guarda de ti y dónde puede salir",
        "Ce qui est gardé de toi, et où cela peut ressortir",
    ),
    subs: &[
        Sub {
            name: "view",
            about: words(
                "Shows what is kept",
                "Zeigt, was behalten wird",
                "Muestra lo que se guarda",
                "Montre ce qui est gardé",
            ),
            args: &[],
        },
        Sub {
            name: "set",
            about: words(
                "Changes where it may surface",
                "Ändert, wo es auftauchen darf",
                "Cambia dónde puede salir",
                "Change où cela peut ressortir",
            ),
            args: &[
                needed(
                    "what",
                    words(
                        "apart: words from servers stay out of private talk",
                        "apart: Worte von Servern bleiben dort",
                        "apart: lo dicho en servidores se queda allí",
                        "apart : les paroles des serveurs y restent",
                    ),
                    Kind::Choice(&["apart"]),
                ),
                needed(
                    "value",
                    words("on or off", "an (on) oder aus (off)", "on u off", "on ou off"),
                    Kind::Boolean,
                ),
            ],
        },
    ],
    default_sub: Some("view"),
    ..BASE
};

pub(super) const WHY: Spec = Spec {
    command: Command::Why,
    name: words("why", "warum", "porqué", "pourquoi"),
    about: words(
        "How your last answer came about",
        "Wie deine letzte Antwort zustande kam",
        "Cómo se llegó a tu última respuesta",
        "Comment ta dernière réponse est venue",
    ),
    ..BASE
};
