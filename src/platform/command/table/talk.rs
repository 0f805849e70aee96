//! Commands about the characters and the talk.

use super::{BASE, SHORT_TEXT, TEXT, needed, same, words};
use crate::platform::command::{
    Command,
    spec::{Arg, Kind, Spec, Sub},
};

pub(super) const START: Spec = Spec {
    command: Command::Start,
    name: same("start"),
    about: words("Say hello", "Hallo sagen", "Saludar", "Dire bonjour"),
    ephemeral: false,
    listed: false,
    // What a link to the bot hands over.
    args: &[Arg { required: false, ..needed("from", same("Where you come from"), SHORT_TEXT) }],
    ..BASE
};

pub(super) const HELP: Spec = Spec {
    command: Command::Help,
    name: words("help", "hilfe", "ayuda", "aide"),
    about: words("What there is", "Was es gibt", "Lo que hay", "Ce qui existe"),
    args: &[Arg {
        required: false,
        ..needed("command", words("A command", "Ein Befehl", "Un comando", "Une commande"), SHORT_TEXT)
    }],
    ..BASE
};

pub(super) const ABOUT: Spec = Spec {
    command: Command::About,
    name: words("about", "über", "acerca", "à-propos"),
    about: words("Who this is", "Wer das ist", "Quién es", "Qui est-ce"),
    ..BASE
};

pub(super) const CHARACTER: Spec = Spec {
    command: Command::Character,
    name: words("character", "figur", "personaje", "personnage"),
    about: words("Who answers here", "Wer hier antwortet", "Quién responde aquí", "Qui répond ici"),
    aliases: &["char"],
    subs: &[
        Sub {
            name: "show",
            about: words(
                "Shows who answers here",
                "Zeigt, wer hier antwortet",
                "Muestra quién responde aquí",
                "Montre qui répond ici",
            ),
            args: &[],
        },
        Sub {
            name: "set",
            about: words(
                "Chooses who answers here; in servers for admins",
                "Wählt, wer hier antwortet; auf Servern für Admins",
                "Elige quién responde aquí; en servidores, administradores",
                "Choisit qui répond ici ; sur un serveur, pour les admins",
            ),
            args: &[needed(
                "id",
                words("The character", "Die Figur", "El personaje", "Le personnage"),
                Kind::Character,
            )],
        },
    ],
    default_sub: Some("show"),
    ..BASE
};

pub(super) const TRUST: Spec = Spec {
    command: Command::Trust,
    name: words("trust", "vertrauen", "confianza", "confiance"),
    about: words(
        "How the character stands towards you, and why",
        "Wie die Figur zu dir steht, und warum",
        "Qué piensa de ti el personaje, y por qué",
        "Ce que le personnage pense de toi, et pourquoi",
    ),
    ..BASE
};

pub(super) const STOP: Spec = Spec {
    command: Command::Stop,
    name: words("stop", "stopp", "para", "arrête"),
    about: words(
        "Stop the answer that is being written",
        "Beendet die Antwort, die gerade entsteht",
        "Detiene la respuesta en curso",
        "Arrête la réponse en cours",
    ),
    ..BASE
};

pub(super) const REFLECT: Spec = Spec {
    command: Command::Reflect,
    name: words("reflect", "nachdenken", "reflexiona", "réfléchis"),
    about: words(
        "Asks for an answer with more thought",
        "Bittet um eine Antwort mit mehr Nachdenken",
        "Pide una respuesta más pensada",
        "Demande une réponse plus réfléchie",
    ),
    ephemeral: false,
    args: &[needed("text", words("What to think about", "Worüber", "Sobre qué", "À quel sujet"), TEXT)],
    ..BASE
};

pub(super) const CAST: Spec = Spec {
    command: Command::Cast,
    name: words("cast", "ensemble", "elenco", "distribution"),
    about: words("Who there is", "Wer da ist", "Quiénes están", "Qui est là"),
    ..BASE
};
