//! Commands, buttons, menus and forms, as people use them, and the answers they see.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{
    Discord, commands,
    interactions::Interaction,
    places::partial_channel,
    render::{Reader, id},
    seen::Seen,
    world::{Id, World, permission},
};

/// How an interaction stands for the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Pending,
    Answered,
    /// "This application did not respond."
    Failed,
}

/// An interaction as the person sees it.
#[derive(Debug, Clone)]
pub struct Answered {
    pub outcome: Outcome,
    /// The type of the first answer: 4 message, 5 deferred message, 6 deferred update, 7 update, 8 choices, 9 form.
    pub kind: Option<u64>,
    /// The first answer's message, or the one that the component is on.
    pub message: Option<Seen>,
    pub followups: Vec<Seen>,
    /// Names and values of choices.
    pub choices: Vec<(String, Value)>,
    pub modal: Option<Value>,
}

impl Answered {
    /// What it says.
    pub fn text(&self) -> &str {
        self.message.as_ref().map_or("", |it| it.text.as_str())
    }

    /// Whether only the person sees it.
    pub fn ephemeral(&self) -> bool {
        self.message.as_ref().is_some_and(|it| it.ephemeral_for.is_some())
    }
}

impl Discord {
    /// Somebody uses a slash command; `settings style` is a sub-command. Panics where a person could not: the command is not
    /// registered, a required option is missing, a choice is not offered.
    pub fn slash(&self, user: Id, channel: Id, command: &str, options: &[(&str, Value)]) -> Id {
        let mut world = self.world();
        let (bot, found) = world.command(channel, command.split(' ').next().unwrap(), 1);
        let (given, leaf) = arrange(&found, command, options, None);
        for option in leaf["options"].as_array().into_iter().flatten() {
            let present = options.iter().any(|(name, _)| option["name"] == json!(name));
            assert!(present || option["required"] != json!(true), "{command} needs {}", option["name"]);
        }
        let resolved = world.resolved(channel, options);
        let data = json!({
            "id": found["id"], "name": found["name"], "type": 1, "options": given, "resolved": resolved,
        });
        world.begin(2, user, bot, channel, data, None)
    }

    /// Somebody types in an option with autocompletion.
    pub fn autocomplete(
        &self,
        user: Id,
        channel: Id,
        command: &str,
        focused: (&str, &str),
        options: &[(&str, Value)],
    ) -> Id {
        let mut world = self.world();
        let (bot, found) = world.command(channel, command.split(' ').next().unwrap(), 1);
        let mut all = options.to_vec();
        all.push((focused.0, json!(focused.1)));
        let (given, _) = arrange(&found, command, &all, Some(focused.0));
        let data = json!({ "id": found["id"], "name": found["name"], "type": 1, "options": given });
        world.begin(4, user, bot, channel, data, None)
    }

    /// Somebody uses an entry of a message's context menu.
    pub fn context_menu(&self, user: Id, message: Id, command: &str) -> Id {
        let mut world = self.world();
        let target = world.messages[&message].clone();
        let (bot, found) = world.command(target.channel, command, 3);
        // Who is asked about a message may read it.
        let body = world.message_json(&target, Reader { bot, intents: 1 << 15 });
        let data = json!({
            "id": found["id"], "name": found["name"], "type": 3, "target_id": id(message),
            "resolved": { "messages": { message.to_string(): body } },
        });
        world.begin(2, user, bot, target.channel, data, None)
    }

    /// Somebody uses an entry of a person's context menu.
    pub fn user_menu(&self, user: Id, channel: Id, target: Id, command: &str) -> Id {
        let mut world = self.world();
        let (bot, found) = world.command(channel, command, 2);
        let data = json!({
            "id": found["id"], "name": found["name"], "type": 2, "target_id": id(target),
            "resolved": { "users": { target.to_string(): world.user_json(target) } },
        });
        world.begin(2, user, bot, channel, data, None)
    }

    /// Somebody presses a button.
    pub fn press(&self, user: Id, message: Id, custom_id: &str) -> Id {
        self.use_component(user, message, custom_id, None)
    }

    /// Somebody chooses in a menu.
    pub fn select(&self, user: Id, message: Id, custom_id: &str, values: &[&str]) -> Id {
        self.use_component(user, message, custom_id, Some(values))
    }

    fn use_component(&self, user: Id, message: Id, custom_id: &str, values: Option<&[&str]>) -> Id {
        let mut world = self.world();
        let target = world.messages[&message].clone();
        assert!(
            !target.deleted && target.ephemeral_for.is_none_or(|it| it == user),
            "{user} does not see it"
        );
        let rows = target.components.as_array().into_iter().flatten();
        let mut parts = rows.flat_map(|row| row["components"].as_array().into_iter().flatten());
        let part = parts.find(|it| it["custom_id"] == json!(custom_id));
        let part = part.unwrap_or_else(|| panic!("no component {custom_id} in {}", target.components));
        assert!(part["disabled"] != json!(true), "{custom_id} is disabled");
        let mut data = json!({ "custom_id": custom_id, "component_type": part["type"] });
        if let Some(values) = values {
            data["values"] = json!(values);
        }
        let bot = target.application.unwrap_or(target.author);
        world.begin(3, user, bot, target.channel, data, Some(message))
    }

    /// Somebody sends the form that an interaction brought.
    pub fn submit_modal(&self, interaction: Id, fields: &[(&str, &str)]) -> Id {
        let mut world = self.world();
        let it = &world.interactions[&interaction];
        let modal = it.modal.clone().expect("no form was shown");
        let (user, bot, channel, source) = (it.user, it.bot, it.channel, it.source);
        let mut rows = modal["components"].clone();
        for row in rows.as_array_mut().unwrap() {
            let input = &row["components"][0];
            let custom = input["custom_id"].clone();
            let given = fields.iter().find(|(name, _)| custom == json!(name)).map(|(_, value)| *value);
            let value = given.or(input["value"].as_str()).unwrap_or_default();
            assert!(!value.is_empty() || input["required"] == json!(false), "the form needs {custom}");
            *row = json!({ "type": 1, "components": [{ "type": 4, "custom_id": custom, "value": value }] });
        }
        let data = json!({ "custom_id": modal["custom_id"], "components": rows });
        world.begin(5, user, bot, channel, data, source)
    }

    /// How an interaction stands.
    pub fn answer(&self, interaction: Id) -> Answered {
        let (outcome, kind, original, followups, choices, modal) = {
            let world = self.world();
            let it = &world.interactions[&interaction];
            let late = it.started.elapsed() > world.settings.interaction_patience;
            let outcome = match it.answer {
                Some(_) => Outcome::Answered,
                None if late => Outcome::Failed,
                None => Outcome::Pending,
            };
            let choices = it.choices.clone().unwrap_or_default();
            (outcome, it.answer, it.original, it.followups.clone(), choices, it.modal.clone())
        };
        let named = |it: Value| (it["name"].as_str().unwrap_or_default().to_owned(), it["value"].clone());
        Answered {
            outcome,
            kind,
            message: original.map(|it| self.message(it)),
            followups: followups.into_iter().map(|it| self.message(it)).collect(),
            choices: choices.into_iter().map(named).collect(),
            modal,
        }
    }

    /// Waits for an interaction's answer, and for a deferred one's words. Gives `Outcome::Failed` when none came in time.
    pub async fn answered(&self, interaction: Id) -> Answered {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let answer = self.answer(interaction);
            let thinking = answer.message.as_ref().is_some_and(|it| it.thinking() && !it.deleted);
            if answer.outcome != Outcome::Pending && !thinking {
                return answer;
            }
            assert!(Instant::now() < deadline, "no answer within 30 s: {answer:#?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The global commands of a bot, as registered.
    pub fn commands(&self, bot: Id) -> Vec<Value> {
        self.world().bot(bot).unwrap().commands.clone()
    }

    /// How often a bot put its whole set of commands.
    pub fn registrations(&self, bot: Id) -> usize {
        self.world().bot(bot).unwrap().registrations
    }
}

impl World {
    /// A registered command that can be used in a channel, and its bot.
    fn command(&self, channel: Id, name: &str, kind: u64) -> (Id, Value) {
        let guild = self.guild_of(channel);
        let fits = |it: &&Value| it["name"] == json!(name) && commands::kind(it) == kind;
        for bot in self.audience(channel) {
            let it = self.bot(bot).unwrap();
            let local = guild.and_then(|guild| it.guild_commands.get(&guild)).into_iter().flatten();
            if let Some(found) = local.chain(&it.commands).find(fits) {
                return (bot, found.clone());
            }
        }
        panic!("no command {name} here")
    }

    /// The people, channels and roles that options name.
    fn resolved(&self, channel: Id, options: &[(&str, Value)]) -> Value {
        let mut out = json!({});
        for (_, value) in options {
            let Some(number) = value.as_str().and_then(|it| it.parse::<Id>().ok()) else { continue };
            if self.users.contains_key(&number) {
                out["users"][number.to_string()] = self.user_json(number);
                if let Some(member) =
                    self.guild_of(channel).and_then(|guild| self.partial_member_json(guild, number))
                {
                    out["members"][number.to_string()] = member;
                }
            }
            if let Some(it) = self.channels.get(&number) {
                out["channels"][number.to_string()] = self.channel_json(it, 0);
            }
        }
        out
    }

    fn begin(&mut self, kind: u64, user: Id, bot: Id, channel: Id, data: Value, source: Option<Id>) -> Id {
        self.enter(user, channel);
        let number = self.take_id();
        let token = format!("interaction-token-{number:x}");
        self.interactions.insert(
            number,
            Interaction {
                id: number,
                token: token.clone(),
                bot,
                user,
                channel,
                kind,
                started: Instant::now(),
                answer: None,
                original: None,
                source,
                followups: Vec::new(),
                choices: None,
                modal: None,
            },
        );
        let guild = self.guild_of(channel);
        let mut body = json!({
            "id": id(number), "application_id": id(bot), "type": kind, "token": token, "version": 1, "data": data,
            "channel_id": id(channel), "channel": partial_channel(self, channel, bot), "entitlements": [],
            "locale": self.users[&user].locale, "app_permissions": self.allowed(bot, channel).to_string(),
            "authorizing_integration_owners": { "0": guild.map_or_else(|| "0".to_owned(), |it| it.to_string()) },
            "context": u8::from(guild.is_none()), "attachment_size_limit": 10_485_760,
        });
        match guild {
            Some(guild) => {
                body["guild_id"] = id(guild);
                body["guild_locale"] = json!("en-US");
                body["member"] = self.member_json(guild, user).unwrap();
                body["member"]["permissions"] = json!(permission::ALL.to_string());
            }
            None => body["user"] = self.user_json(user),
        }
        self.tell(bot, guild, super::events::ALWAYS, "INTERACTION_CREATE", |world, reader| {
            let mut body = body.clone();
            if let Some(source) = source {
                body["message"] = world.message_json(&world.messages[&source], reader);
            }
            body
        });
        number
    }
}

/// Options as Discord nests them, and the part of the command that they belong to.
fn arrange(command: &Value, path: &str, options: &[(&str, Value)], focused: Option<&str>) -> (Value, Value) {
    let mut leaf = command.clone();
    let mut above = Vec::new();
    for name in path.split(' ').skip(1) {
        let inner = leaf["options"].as_array().into_iter().flatten().find(|it| it["name"] == json!(name));
        leaf = inner.unwrap_or_else(|| panic!("{path} has no {name}")).clone();
        above.push((name.to_owned(), leaf["type"].clone()));
    }
    let given: Vec<Value> = options
        .iter()
        .map(|(name, value)| {
            let defined =
                leaf["options"].as_array().into_iter().flatten().find(|it| it["name"] == json!(name));
            let defined = defined.unwrap_or_else(|| panic!("{path} has no option {name}"));
            let choices = defined["choices"].as_array().filter(|it| !it.is_empty());
            let offered = choices.is_none_or(|it| it.iter().any(|choice| choice["value"] == *value));
            assert!(offered, "{path}: {value} is no choice of {name}");
            let mut option = json!({ "name": name, "type": defined["type"], "value": value });
            if focused == Some(*name) {
                option["focused"] = json!(true);
            }
            option
        })
        .collect();
    let mut nested = json!(given);
    for (name, kind) in above.into_iter().rev() {
        nested = json!([{ "name": name, "type": kind, "options": nested }]);
    }
    (nested, leaf)
}
