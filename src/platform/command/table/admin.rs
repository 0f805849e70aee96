//! The command of the people in charge.

use super::{BASE, SHORT_TEXT, TEXT, needed, same, words};
use crate::platform::command::{
    Command,
    spec::{Arg, Kind, Spec, Sub, Who},
};

pub(super) const ADMIN: Spec = Spec {
    command: Command::Admin,
    name: same("admin"),
    about: words(
        "For the people in ADMINS",
        "Für die Leute in ADMINS",
        "Para quienes están en ADMINS",
        "Pour les gens de ADMINS",
    ),
    who: Who::Admins,
    subs: &[
        Sub {
            name: "allow",
            about: words(
                "Lets somebody, or some place, in",
                "Lässt jemanden oder einen Ort zu",
                "Admite a alguien o un lugar",
                "Admet quelqu'un ou un lieu",
            ),
            args: &[needed(
                "what",
                words(
                    "PLATFORM:ID, SERVER/CHANNEL, guild:ID, role:ID, here, dm or all",
                    "PLATFORM:ID, SERVER/CHANNEL, guild:ID, role:ID, here, dm or all",
                    "PLATFORM:ID, SERVER/CHANNEL, guild:ID, role:ID, here, dm or all",
                    "PLATFORM:ID, SERVER/CHANNEL, guild:ID, role:ID, here, dm or all",
                ),
                SHORT_TEXT,
            )],
        },
        Sub {
            name: "deny",
            about: words(
                "Keeps somebody, or some place, out",
                "Schließt jemanden oder einen Ort aus",
                "Excluye a alguien o un lugar",
                "Exclut quelqu'un ou un lieu",
            ),
            args: &[needed(
                "what",
                words(
                    "PLATFORM:ID, SERVER/CHANNEL, guild:ID, role:ID, here, dm or all",
                    "PLATFORM:ID, SERVER/CHANNEL, guild:ID, role:ID, here, dm or all",
                    "PLATFORM:ID, SERVER/CHANNEL, guild:ID, role:ID, here, dm or all",
                    "PLATFORM:ID, SERVER/CHANNEL, guild:ID, role:ID, here, dm or all",
                ),
                SHORT_TEXT,
            )],
        },
        Sub {
            name: "reset-trust",
            about: words(
                "Sets somebody's trust back to 0",
                "Setzt das Vertrauen zu jemandem auf 0",
                "Pone en 0 la confianza en alguien",
                "Remet à 0 la confiance envers quelqu'un",
            ),
            args: &[needed("user", words("Who", "Wer", "Quién", "Qui"), Kind::User)],
        },
        Sub {
            name: "say-as",
            about: words(
                "Says something here as a character",
                "Sagt hier etwas als Figur",
                "Dice algo aquí como un personaje",
                "Dit quelque chose ici comme un personnage",
            ),
            args: &[
                needed("character", words("As whom", "Als wer", "Como quién", "Comme qui"), Kind::Character),
                needed("text", words("The words", "Die Worte", "Las palabras", "Les mots"), TEXT),
            ],
        },
        Sub {
            name: "pause",
            about: words(
                "Makes the characters silent",
                "Lässt die Figuren schweigen",
                "Hace callar a los personajes",
                "Fait taire les personnages",
            ),
            args: &[Arg {
                required: false,
                ..needed(
                    "where",
                    words(
                        "Here if nothing is chosen",
                        "Hier, wenn nichts gewählt ist",
                        "Aquí si no se elige nada",
                        "Ici si rien n'est choisi",
                    ),
                    Kind::Choice(&["here", "everywhere"]),
                )
            }],
        },
        Sub {
            name: "resume",
            about: words(
                "Lets them talk again",
                "Lässt sie wieder reden",
                "Les deja hablar de nuevo",
                "Les laisse parler à nouveau",
            ),
            args: &[Arg {
                required: false,
                ..needed(
                    "where",
                    words(
                        "Here if nothing is chosen",
                        "Hier, wenn nichts gewählt ist",
                        "Aquí si no se elige nada",
                        "Ici si rien n'est choisi",
                    ),
                    Kind::Choice(&["here", "everywhere"]),
                )
            }],
        },
        Sub {
            name: "reload",
            about: words(
                "Reads the characters' files again",
                "Liest die Dateien der Figuren neu",
                "Lee otra vez los archivos de los personajes",
                "Relit les fichiers des personnages",
            ),
            args: &[],
        },
        Sub {
            name: "status",
            about: words(
                "How the program is doing",
                "Wie es dem Programm geht",
                "Cómo está el programa",
                "Comment va le programme",
            ),
            args: &[],
        },
    ],
    ..BASE
};
