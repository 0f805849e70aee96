//! What comes with a message beside its words: files of all kinds, stickers, places and people.

use teloxide_core::types::{FileMeta, Message};

use crate::model::Quoted;

/// The file or sticker of a message, and the words for a message that has no others.
pub(super) fn attached(message: &Message) -> Option<(Quoted, &'static str)> {
    let file = |name: String, media: Option<String>, file: &FileMeta| Quoted::Attachment {
        name,
        media,
        size: u64::from(file.size),
    };
    let named = |name: Option<&String>, other: &str| name.cloned().unwrap_or_else(|| other.to_owned());
    // Telegram sends a picture in several sizes, as JPEG (Bot API, PhotoSize).
    if let Some(photo) = message.photo().and_then(|sizes| sizes.iter().max_by_key(|size| size.file.size)) {
        let picture = file("picture".to_owned(), Some("image/jpeg".to_owned()), &photo.file);
        return Some((picture, "(sends a picture)"));
    }
    if let Some(sticker) = message.sticker() {
        let name = named(sticker.emoji.as_ref().or(sticker.set_name.as_ref()), "without a name");
        return Some((Quoted::Sticker { name }, "(sends a sticker)"));
    }
    if let Some(voice) = message.voice() {
        let name = format!("voice note of {} s", voice.duration.seconds());
        return Some((
            file(name, voice.mime_type.as_ref().map(ToString::to_string), &voice.file),
            "(sends a voice note)",
        ));
    }
    if let Some(audio) = message.audio() {
        let name = named(audio.title.as_ref().or(audio.file_name.as_ref()), "sound");
        return Some((
            file(name, audio.mime_type.as_ref().map(ToString::to_string), &audio.file),
            "(sends a piece of audio)",
        ));
    }
    if let Some(video) = message.video() {
        let name = named(video.file_name.as_ref(), "video");
        return Some((
            file(name, video.mime_type.as_ref().map(ToString::to_string), &video.file),
            "(sends a video)",
        ));
    }
    if let Some(note) = message.video_note() {
        let video = file("video note".to_owned(), Some("video/mp4".to_owned()), &note.file);
        return Some((video, "(sends a video)"));
    }
    // An animation comes as a document, too.
    if let Some(animation) = message.animation() {
        let name = named(animation.file_name.as_ref(), "animation");
        return Some((
            file(name, animation.mime_type.as_ref().map(ToString::to_string), &animation.file),
            "(sends an animation)",
        ));
    }
    let document = message.document()?;
    let name = named(document.file_name.as_ref(), "without a name");
    Some((file(name, document.mime_type.as_ref().map(ToString::to_string), &document.file), "(sends a file)"))
}

/// What a message shares that is neither words nor a file.
pub(super) fn shared(message: &Message) -> Option<String> {
    if let Some(venue) = message.venue() {
        return Some(format!("(shares the place {} on the map)", venue.title));
    }
    if message.location().is_some() {
        return Some("(shares a place on the map)".to_owned());
    }
    message.contact().map(|contact| format!("(shares the contact of {})", contact.first_name))
}
