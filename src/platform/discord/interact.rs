//! Slash commands, buttons, forms and menus: each is answered within Discord's three seconds, by what it asks for or by a sign
//! that the answer comes later.

use std::{collections::HashMap, sync::Arc, time::Duration};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    PLATFORM,
    bot::{Bot, read},
    event::{Id, Member, Message, User},
    menu::{Entry, form_of},
    receive::{made_at, name, person, place},
    rest::RestError,
    send::Address,
};
use crate::{
    conversation::{ConversationError, Inbound, Subject},
    model::{CharacterId, Place, Viewer},
    platform::command::{Asker, Button, Invocation, Outcome, ParseError, Pressed, Reply, Spec},
};

/// Discord waits three seconds for the first answer (its documentation, "Receiving and Responding"); from here on it is told
/// that there will be one.
const SOON: Duration = Duration::from_millis(1_800);
/// Buttons in a row at most (its documentation, "Action Row").
const ROW: usize = 5;
/// Choices that are offered at most (its documentation, "Autocomplete").
const CHOICES: usize = 25;
/// The flag of a message for one person's eyes.
const EPHEMERAL: u64 = 1 << 6;
/// What the id of a form begins with; the command follows.
const FORM: &str = "form:";
/// How often an answer is sent again when Discord asks for patience, and the longest patience.
const TRIES: usize = 3;
const PATIENCE: Duration = Duration::from_secs(10);

/// An interaction, as far as we read it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Interaction {
    id: Id,
    token: String,
    #[serde(rename = "type")]
    kind: u8,
    #[serde(default)]
    data: Data,
    #[serde(default)]
    guild_id: Option<Id>,
    #[serde(default)]
    channel_id: Option<Id>,
    #[serde(default)]
    member: Option<Member>,
    #[serde(default)]
    user: Option<User>,
    #[serde(default)]
    locale: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Data {
    name: String,
    #[serde(rename = "type")]
    kind: u8,
    options: Vec<Given>,
    target_id: Option<Id>,
    custom_id: String,
    components: Vec<Row>,
    resolved: Resolved,
}

#[derive(Debug, Clone, Deserialize)]
struct Given {
    name: String,
    #[serde(rename = "type", default)]
    kind: u8,
    #[serde(default)]
    value: Value,
    #[serde(default)]
    options: Vec<Given>,
    #[serde(default)]
    focused: bool,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Row {
    components: Vec<Field>,
    /// The newer form of a form: a label around one field.
    component: Option<Field>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Field {
    custom_id: String,
    value: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Resolved {
    messages: HashMap<Id, Value>,
}

/// What is sent back.
enum Answer {
    /// A new message.
    Message(Reply),
    /// The message with the button becomes this.
    Replace(Reply),
    /// Values for what is being typed.
    Choices(Vec<String>),
    /// A form for one argument of a command.
    Form(&'static Spec),
}

impl Bot {
    /// Answers an interaction, beside the reading of the gateway.
    pub(super) fn interact(self: &Arc<Self>, data: &Value) {
        let Some(interaction) = read::<Interaction>("INTERACTION_CREATE", data) else { return };
        let bot = self.clone();
        self.tasks.spawn(async move { bot.answer(interaction).await });
    }

    async fn answer(&self, interaction: Interaction) {
        let mut work = std::pin::pin!(self.work(&interaction));
        let soon = tokio::time::timeout(SOON, &mut work).await;
        let (answer, deferred) = match soon {
            Ok(answer) => (answer, false),
            Err(_) => {
                // A button's message stays as it is until it is changed; anything else shows that somebody thinks.
                let kind = if interaction.kind == 3 { 6 } else { 5 };
                let sign = json!({ "type": kind, "data": { "flags": EPHEMERAL } });
                if let Err(error) = self.call_back(&interaction, &sign).await {
                    tracing::warn!(%error, "an interaction could not be put off");
                }
                (work.await, true)
            }
        };
        let answer = answer.unwrap_or_else(|error| {
            tracing::error!(%error, "a command failed");
            Answer::Message(Reply::text(
                "That did not work: my memory cannot be reached. Try again in a moment.",
            ))
        });
        let sent = if deferred {
            self.follow_up(&interaction, &answer).await
        } else {
            self.call_back(&interaction, &answer.callback()).await
        };
        if let Err(error) = sent {
            tracing::warn!(%error, "the answer to an interaction could not be sent");
        }
    }

    async fn call_back(&self, interaction: &Interaction, body: &Value) -> Result<(), RestError> {
        let path = format!("/interactions/{}/{}/callback", interaction.id, interaction.token);
        // Whoever waits has three seconds of patience: one more try, and no long pause.
        match self.rest.tell(&path, body).await {
            Err(RestError::Limited(pause)) if pause < Duration::from_secs(1) => {
                tokio::time::sleep(pause).await;
                self.rest.tell(&path, body).await
            }
            done => done,
        }
    }

    async fn follow_up(&self, interaction: &Interaction, answer: &Answer) -> Result<(), RestError> {
        let (Answer::Message(reply) | Answer::Replace(reply)) = answer else { return Ok(()) };
        let path = format!("/webhooks/{}/{}/messages/@original", self.application, interaction.token);
        for _ in 0..TRIES {
            match self.rest.patch::<Value>(&path, &message(reply)).await {
                Err(RestError::Limited(pause)) if pause <= PATIENCE => tokio::time::sleep(pause).await,
                done => return done.map(drop),
            }
        }
        Err(RestError::Unreachable("Discord keeps asking for patience".to_owned()))
    }

    /// What an interaction comes to.
    async fn work(&self, interaction: &Interaction) -> Result<Answer, ConversationError> {
        if interaction.kind == 4 {
            return Ok(Answer::Choices(self.choices(&interaction.data)));
        }
        let Some((asker, roles)) = self.asker(interaction).await? else {
            return Ok(Answer::Message(Reply::text("I cannot tell who asks, or where.")));
        };
        let place = &asker.viewer.place;
        let subject = Subject::new(asker.viewer.user.clone(), place, roles);
        if !self.handles.commands.admits(&subject, place).await? {
            return Ok(Answer::Message(Reply::text("I keep silent here, or towards you.")));
        }
        let data = &interaction.data;
        match interaction.kind {
            2 if data.kind == 3 => self.menu(data, &asker).await.map(Answer::Message),
            2 => self.slash(data, interaction, asker).await,
            3 => Ok(match self.handles.commands.press(&data.custom_id, &asker).await? {
                Pressed::Replace(reply) => Answer::Replace(reply),
                Pressed::Notice(text) => Answer::Message(Reply::text(text)),
            }),
            5 => self.form(data, interaction, asker).await,
            kind => Ok(Answer::Message(Reply::text(format!("I do not know what to do with this ({kind}).")))),
        }
    }

    /// Who asks, where, and of whom; with their roles. `None`: Discord does not say.
    async fn asker(&self, interaction: &Interaction) -> Result<Option<(Asker, Vec<Id>)>, ConversationError> {
        let member = interaction.member.as_ref();
        let user = member.and_then(|member| member.user.as_ref()).or(interaction.user.as_ref());
        let (Some(user), Some(channel)) = (user, &interaction.channel_id) else { return Ok(None) };
        let Some(person) = person(&user.id) else { return Ok(None) };
        let spot = match &interaction.guild_id {
            Some(guild) => Some(self.spot(guild, channel).await),
            None => None,
        };
        let place = place(spot.as_ref(), channel);
        let character = self.character_at(&place, &person).await?;
        let address = Address {
            bot: self.me.id.clone(),
            channel: channel.clone(),
            parent: spot.as_ref().and_then(|spot| spot.parent.clone()),
            message: None,
            quote: false,
            persona: (self.personas && !self.alone && spot.is_some()).then(|| character.clone()),
        };
        let asker = Asker {
            viewer: Viewer::new(character, person.clone(), place),
            name: name(user, member),
            locale: interaction.locale.clone().unwrap_or_default(),
            admin: self.handles.commands.is_admin(&person),
            platform: PLATFORM.to_owned(),
            source: interaction.id.clone(),
            address: Some(address.to_text()),
            at: self.handles.clock.now(),
        };
        Ok(Some((asker, member.map(|member| member.roles.clone()).unwrap_or_default())))
    }

    /// Who answers at a place when nobody is named.
    pub(super) async fn character_at(
        &self,
        place: &Place,
        user: &crate::model::UserId,
    ) -> Result<CharacterId, ConversationError> {
        if self.alone {
            return Ok(self.character.clone());
        }
        let conversations = &self.handles.conversations;
        let chosen = conversations.gate().chosen(&place.scope(user)).await?;
        Ok(chosen.filter(|id| conversations.has_character(id)).unwrap_or_else(|| self.character.clone()))
    }

    async fn slash(
        &self,
        data: &Data,
        interaction: &Interaction,
        asker: Asker,
    ) -> Result<Answer, ConversationError> {
        let (sub, given) = leaf(data);
        let spec = Spec::named(&data.name);
        if let Some(spec) = spec.filter(|spec| given.is_empty() && form_of(spec).is_some()) {
            return Ok(Answer::Form(spec));
        }
        let args = given.iter().map(|it| (it.name.clone(), text_of(it)));
        self.run(Invocation::new(&data.name, sub, args), interaction, asker).await
    }

    async fn form(
        &self,
        data: &Data,
        interaction: &Interaction,
        asker: Asker,
    ) -> Result<Answer, ConversationError> {
        let command = data.custom_id.strip_prefix(FORM).unwrap_or_default();
        let fields = data.components.iter().flat_map(|row| row.components.iter().chain(&row.component));
        let args = fields.map(|field| (field.custom_id.clone(), field.value.clone()));
        self.run(Invocation::new(command, None, args), interaction, asker).await
    }

    async fn run(
        &self,
        invocation: Result<Invocation, ParseError>,
        interaction: &Interaction,
        asker: Asker,
    ) -> Result<Answer, ConversationError> {
        let invocation = match invocation {
            Ok(invocation) => invocation,
            Err(error) => return Ok(Answer::Message(Reply::text(error.to_string()))),
        };
        Ok(Answer::Message(match self.handles.commands.run(&invocation, &asker).await? {
            Outcome::Reply(reply) => reply,
            Outcome::Say(text) => {
                let shown = format!("> {}", text.replace('\n', "\n> "));
                self.said(said(interaction, asker, text)).await?;
                // Others see what is answered.
                Reply { ephemeral: false, ..Reply::text(shown.chars().take(1_900).collect::<String>()) }
            }
            Outcome::Stop => {
                // By Discord's clock or ours, whichever is ahead: what was said before it is stopped.
                let at = made_at(&interaction.id).map_or(asker.at, |at| at.max(asker.at));
                self.said(said(interaction, Asker { at, ..asker }, "/stop".to_owned())).await?;
                Reply::text("I stop.")
            }
        }))
    }

    /// An entry of a message's menu.
    async fn menu(&self, data: &Data, asker: &Asker) -> Result<Reply, ConversationError> {
        let (Some(entry), Some(target)) = (Entry::named(&data.name), &data.target_id) else {
            return Ok(Reply::text("There is no such entry any more; look at the menu again."));
        };
        let commands = &self.handles.commands;
        let address = asker.address.as_deref().and_then(|address| Address::read(address).ok());
        let channel = address.map(|address| address.channel).unwrap_or_default();
        let conversations = &self.handles.conversations;
        let mut about = conversations.said_by(PLATFORM, &channel, target).await?;
        if about.is_none() {
            about = conversations.heard_by(PLATFORM, target).await?.into_iter().next();
        }
        let of = |character: CharacterId| Asker {
            viewer: Viewer::new(character, asker.viewer.user.clone(), asker.viewer.place.clone()),
            ..asker.clone()
        };
        let asker = about.map_or_else(|| asker.clone(), of);
        match entry {
            Entry::Why => commands.why_this(&channel, target, &asker).await,
            Entry::Forget => commands.forget_this(target, &asker).await,
            Entry::Remember => {
                let found = data.resolved.messages.get(target).and_then(|it| read::<Message>("message", it));
                let Some(text) = found.and_then(|message| self.to_remember(&message, &asker)) else {
                    return Ok(Reply::text("There are no words in that message that I can read."));
                };
                match Invocation::new("remember", None, [("text".to_owned(), text)]) {
                    Ok(invocation) => match commands.run(&invocation, &asker).await? {
                        Outcome::Reply(reply) => Ok(reply),
                        Outcome::Say(_) | Outcome::Stop => Ok(Reply::text("Done.")),
                    },
                    Err(error) => Ok(Reply::text(error.to_string())),
                }
            }
        }
    }

    /// The words of a message, with the name of who said them when it was not who wants them remembered.
    fn to_remember(&self, message: &Message, asker: &Asker) -> Option<String> {
        let words = self.ear().words(&message.content, &message.mentions, None);
        if words.is_empty() {
            return None;
        }
        let own = person(&message.author.id).as_ref() == Some(&asker.viewer.user);
        Some(if own { words } else { format!("{} said: {words}", message.author.shown()) })
    }

    fn choices(&self, data: &Data) -> Vec<String> {
        let (sub, given) = leaf(data);
        let focused = given.iter().find(|it| it.focused);
        let (Some(spec), Some(focused)) = (Spec::named(&data.name), focused) else { return Vec::new() };
        let kind = spec.args_of(sub).iter().find(|arg| arg.name == focused.name).map(|arg| arg.kind);
        kind.map_or_else(Vec::new, |kind| self.handles.commands.complete(kind, &text_of(focused)))
    }
}

/// The sub-command, and what was given.
fn leaf(data: &Data) -> (Option<&str>, &[Given]) {
    match data.options.first() {
        Some(first) if first.kind == 1 => (Some(&first.name), &first.options),
        _ => (None, &data.options),
    }
}

/// A value as the table of commands reads it.
fn text_of(given: &Given) -> String {
    match (&given.value, given.kind) {
        (Value::Bool(on), _) => if *on { "on" } else { "off" }.to_owned(),
        (Value::String(id), 6) => format!("{PLATFORM}:{id}"),
        (Value::String(text), _) => text.clone(),
        (other, _) => other.to_string(),
    }
}

/// Words of a command that are a part of the talk.
fn said(interaction: &Interaction, asker: Asker, text: String) -> Inbound {
    Inbound {
        platform: PLATFORM.to_owned(),
        platform_id: interaction.id.clone(),
        character: asker.viewer.character,
        user: asker.viewer.user,
        user_name: asker.name,
        place: asker.viewer.place,
        text,
        beside: Vec::new(),
        at: asker.at,
        address: asker.address,
    }
}

impl Answer {
    /// The first answer to an interaction (Discord's documentation, "Interaction Callback Type").
    fn callback(&self) -> Value {
        match self {
            Self::Message(reply) => json!({ "type": 4, "data": message(reply) }),
            Self::Replace(reply) => json!({ "type": 7, "data": message(reply) }),
            Self::Choices(values) => {
                let choices: Vec<_> = values
                    .iter()
                    .take(CHOICES)
                    .map(|value| json!({ "name": value, "value": value }))
                    .collect();
                json!({ "type": 8, "data": { "choices": choices } })
            }
            Self::Form(spec) => json!({ "type": 9, "data": form(spec) }),
        }
    }
}

fn message(reply: &Reply) -> Value {
    let rows: Vec<Value> = reply
        .buttons
        .chunks(ROW)
        .map(|row| json!({ "type": 1, "components": row.iter().map(button).collect::<Vec<_>>() }))
        .collect();
    json!({
        "content": reply.text,
        "flags": if reply.ephemeral { EPHEMERAL } else { 0 },
        "components": rows,
        "allowed_mentions": { "parse": [] },
    })
}

fn button(button: &Button) -> Value {
    json!({ "type": 2, "style": 2, "label": button.label, "custom_id": button.data })
}

/// A form with one long field (its documentation, "Modal").
fn form(spec: &Spec) -> Value {
    let fields: Vec<Value> = form_of(spec)
        .into_iter()
        .map(|arg| {
            // A label has at most 45 letters.
            let label: String = arg.about.en.chars().take(45).collect();
            let field = json!({
                "type": 4, "custom_id": arg.name, "style": 2, "label": label, "required": true, "max_length": 4_000,
            });
            json!({ "type": 1, "components": [field] })
        })
        .collect();
    let title: String = spec.about.en.chars().take(45).collect();
    json!({ "custom_id": format!("{FORM}{}", spec.name.en), "title": title, "components": fields })
}
