//! The world in Discord's JSON.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::world::{Channel, Id, Message, Webhook, World, kind, permission};

const MESSAGE_CONTENT: u64 = 1 << 15;

/// Who reads: a bot, and whether its application may read what is not addressed to it.
#[derive(Clone, Copy)]
pub struct Reader {
    pub bot: Id,
    pub intents: u64,
}

pub fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, false)
}

pub fn id(id: Id) -> Value {
    json!(id.to_string())
}

pub fn ids(ids: &[Id]) -> Value {
    ids.iter().map(|it| id(*it)).collect()
}

pub fn emoji(text: &str) -> Value {
    match text.rsplit_once(':') {
        Some((name, number)) if number.parse::<Id>().is_ok() => json!({ "id": number, "name": name }),
        _ => json!({ "id": null, "name": text }),
    }
}

impl World {
    pub fn user_json(&self, user: Id) -> Value {
        let Some(it) = self.users.get(&user) else {
            return json!({
                "id": id(user), "username": "Deleted User", "discriminator": "0", "global_name": null, "avatar": null,
            });
        };
        json!({
            "id": id(user), "username": it.name, "discriminator": if it.bot { "4242" } else { "0" },
            "global_name": it.global_name, "avatar": null, "bot": it.bot, "public_flags": 0,
            "avatar_decoration_data": null,
        })
    }

    /// A member without its user.
    pub fn partial_member_json(&self, guild: Id, user: Id) -> Option<Value> {
        let member = self.guilds.get(&guild)?.members.get(&user)?;
        Some(json!({
            "roles": ids(&member.roles), "nick": member.nick, "avatar": null, "premium_since": null, "pending": false,
            "joined_at": "2023-11-14T22:13:20.000000+00:00", "deaf": false, "mute": false, "flags": 0,
            "communication_disabled_until": null,
        }))
    }

    pub fn member_json(&self, guild: Id, user: Id) -> Option<Value> {
        let mut member = self.partial_member_json(guild, user)?;
        member["user"] = self.user_json(user);
        Some(member)
    }

    pub fn role_json(&self, guild: Id) -> Vec<Value> {
        let everyone = (guild, "@everyone".to_owned());
        let own = self.guilds[&guild].roles.iter().map(|role| (role.id, role.name.clone()));
        let roles = std::iter::once(everyone).chain(own).enumerate();
        roles
            .map(|(position, (role, name))| {
                json!({
                    "id": id(role), "name": name, "color": 0, "hoist": false, "managed": false, "mentionable": true,
                    "colors": { "primary_color": 0, "secondary_color": null, "tertiary_color": null },
                    "permissions": permission::ALL.to_string(), "position": position, "icon": null,
                    "unicode_emoji": null, "flags": 0,
                })
            })
            .collect()
    }

    pub fn channel_json(&self, channel: &Channel, reader: Id) -> Value {
        let last = self.in_channel.get(&channel.id).and_then(|it| it.last()).map(ToString::to_string);
        if channel.kind == kind::DM {
            let others = channel.recipients.iter().filter(|it| **it != reader);
            return json!({
                "id": id(channel.id), "type": channel.kind, "last_message_id": last, "flags": 0,
                "recipients": others.map(|it| self.user_json(*it)).collect::<Value>(),
            });
        }
        let mut body = json!({
            "id": id(channel.id), "type": channel.kind, "guild_id": channel.guild.map(id), "name": channel.name,
            "position": 0, "parent_id": channel.parent.map(id), "last_message_id": last, "topic": null,
            "nsfw": false, "flags": 0, "rate_limit_per_user": 0,
            "permission_overwrites": self.overwrites(channel),
        });
        if channel.kind == kind::PUBLIC_THREAD {
            body["owner_id"] = id(channel.owner);
            body["message_count"] = json!(self.in_channel.get(&channel.id).map_or(0, Vec::len));
            body["member_count"] = json!(1);
            body["thread_metadata"] = json!({
                "archived": false, "auto_archive_duration": 1440, "locked": channel.locked,
                "archive_timestamp": "2023-11-14T22:13:20.000000+00:00",
            });
        }
        if channel.kind == kind::FORUM {
            body["available_tags"] = json!([]);
            body["default_forum_layout"] = json!(0);
        }
        body
    }

    fn overwrites(&self, channel: &Channel) -> Vec<Value> {
        let places = [channel.guild, channel.parent, Some(channel.id)];
        let deny = |bot: Id| {
            let here = places.into_iter().flatten().filter_map(|place| self.denied.get(&(bot, place)));
            here.fold(0, |all, some| all | some)
        };
        let denied = self.bots.iter().map(|bot| (bot.id, deny(bot.id))).filter(|(_, deny)| *deny != 0);
        denied
            .map(|(bot, deny)| json!({ "id": id(bot), "type": 1, "allow": "0", "deny": deny.to_string() }))
            .collect()
    }

    /// A guild as `GET /guilds/{id}` gives it.
    pub fn guild_json(&self, guild: Id) -> Value {
        let it = &self.guilds[&guild];
        json!({
            "id": id(guild), "name": it.name, "icon": null, "splash": null, "discovery_splash": null,
            "owner_id": id(it.owner), "afk_channel_id": null, "afk_timeout": 300, "widget_enabled": false,
            "verification_level": 0, "default_message_notifications": 0, "explicit_content_filter": 0,
            "roles": self.role_json(guild), "emojis": [], "features": [], "mfa_level": 0, "application_id": null,
            "system_channel_id": null, "system_channel_flags": 0, "rules_channel_id": null, "max_members": 500_000,
            "vanity_url_code": null, "description": null, "banner": null, "premium_tier": 0,
            "preferred_locale": "en-US", "public_updates_channel_id": null, "nsfw_level": 0, "stickers": [],
            "premium_progress_bar_enabled": false, "safety_alerts_channel_id": null,
        })
    }

    /// A guild as `GUILD_CREATE` tells it to a bot.
    pub fn guild_create_json(&self, guild: Id, reader: Reader) -> Value {
        let it = &self.guilds[&guild];
        let mut body = self.guild_json(guild);
        let visible = |it: &&Channel| {
            it.guild == Some(guild) && self.allowed(reader.bot, it.id) & permission::VIEW_CHANNEL != 0
        };
        let (threads, channels): (Vec<&Channel>, Vec<&Channel>) =
            self.channels.values().filter(visible).partition(|it| it.kind == kind::PUBLIC_THREAD);
        let list =
            |them: Vec<&Channel>| them.iter().map(|it| self.channel_json(it, reader.bot)).collect::<Value>();
        // Without the members' intent, only the bot itself is listed.
        let all = reader.intents & (1 << 1) != 0;
        let members = it.members.keys().filter(|user| all || **user == reader.bot);
        body["joined_at"] = json!("2023-11-14T22:13:20.000000+00:00");
        body["large"] = json!(false);
        body["unavailable"] = json!(false);
        body["member_count"] = json!(it.members.len());
        body["voice_states"] = json!([]);
        body["members"] = members.filter_map(|user| self.member_json(guild, *user)).collect();
        body["channels"] = list(channels);
        body["threads"] = list(threads);
        for empty in ["presences", "stage_instances", "guild_scheduled_events", "soundboard_sounds"] {
            body[empty] = json!([]);
        }
        body
    }

    /// Whether a bot is told what a message says: where it is spoken to, in private, its own, or with the intent.
    pub fn readable(&self, message: &Message, reader: Reader) -> bool {
        reader.intents & MESSAGE_CONTENT != 0
            || self.guild_of(message.channel).is_none()
            || message.author == reader.bot
            || message.mentions.contains(&reader.bot)
    }

    /// A message as REST gives it.
    pub fn message_json(&self, message: &Message, reader: Reader) -> Value {
        self.message_at_depth(message, reader, 1)
    }

    fn message_at_depth(&self, message: &Message, reader: Reader, depth: u8) -> Value {
        let readable = self.readable(message, reader);
        let or_empty = |value: &Value| if readable { value.clone() } else { json!([]) };
        let mut body = json!({
            "id": id(message.id), "channel_id": id(message.channel), "type": message.kind,
            "author": self.author_json(message), "content": if readable { message.content.as_str() } else { "" },
            "timestamp": time(message.sent), "edited_timestamp": message.edited.map(time), "tts": false,
            "mention_everyone": message.mention_everyone, "mention_roles": ids(&message.mention_roles),
            "mentions": message.mentions.iter().map(|it| self.user_json(*it)).collect::<Value>(),
            "attachments": or_empty(&message.attachments), "embeds": or_empty(&message.embeds),
            "components": or_empty(&message.components), "pinned": false, "flags": message.flags,
        });
        if !message.reactions.is_empty() {
            let reactions = message.reactions.iter().map(|(sign, users)| {
                json!({
                    "emoji": emoji(sign), "count": users.len(), "me": users.contains(&reader.bot), "me_burst": false,
                    "count_details": { "burst": 0, "normal": users.len() }, "burst_colors": [],
                })
            });
            body["reactions"] = reactions.collect();
        }
        if message.stickers.as_array().is_some_and(|it| !it.is_empty()) {
            body["sticker_items"] = message.stickers.clone();
        }
        if let Some(nonce) = &message.nonce
            && message.author == reader.bot
        {
            body["nonce"] = nonce.clone();
        }
        if let Some(face) = &message.face {
            body["webhook_id"] = id(face.webhook);
        }
        if let Some(application) = message.application {
            body["application_id"] = id(application);
            if message.face.is_none() {
                body["webhook_id"] = id(application);
            }
        }
        if let Some((channel, origin)) = message.forwarded_from {
            body["message_reference"] =
                json!({ "type": 1, "channel_id": id(channel), "message_id": id(origin) });
            body["message_snapshots"] = or_empty(&message.snapshots);
        }
        if let Some(replied) = message.reply_to {
            body["message_reference"] = json!({
                "type": 0, "channel_id": id(message.channel), "message_id": id(replied),
                "guild_id": self.guild_of(message.channel).map(id),
            });
            if depth > 0 {
                let origin = self.present(message.channel, replied);
                body["referenced_message"] =
                    origin.map_or(Value::Null, |it| self.message_at_depth(it, reader, depth - 1));
            }
        }
        body
    }

    /// A message as the gateway tells it: with the guild and the author's membership.
    pub fn message_event(&self, message: &Message, reader: Reader) -> Value {
        let mut body = self.message_json(message, reader);
        if let Some(guild) = self.guild_of(message.channel) {
            body["guild_id"] = id(guild);
            if let Some(member) =
                message.face.is_none().then(|| self.partial_member_json(guild, message.author)).flatten()
            {
                body["member"] = member;
            }
        }
        body
    }

    fn author_json(&self, message: &Message) -> Value {
        match &message.face {
            Some(face) => json!({
                "id": id(face.webhook), "username": face.name, "discriminator": "0000", "global_name": null,
                "avatar": null, "bot": true,
            }),
            None => self.user_json(message.author),
        }
    }

    pub fn webhook_json(&self, webhook: &Webhook, with_token: bool) -> Value {
        let mut body = json!({
            "id": id(webhook.id), "type": 1, "guild_id": id(webhook.guild), "channel_id": id(webhook.channel),
            "name": webhook.name, "avatar": null, "application_id": id(webhook.owner),
            "user": self.user_json(webhook.owner),
        });
        if with_token {
            body["token"] = json!(webhook.token);
            body["url"] =
                json!(format!("http://{}/api/webhooks/{}/{}", self.address, webhook.id, webhook.token));
        }
        body
    }

    pub fn application_json(&self, bot: Id) -> Value {
        let it = self.bot(bot).unwrap();
        json!({
            "id": id(bot), "name": self.users[&bot].name, "icon": null, "description": "", "rpc_origins": [],
            "bot_public": true, "bot_require_code_grant": false, "verify_key": "0".repeat(64), "team": null,
            "owner": { "id": "1", "username": "owner", "discriminator": "0", "global_name": null, "avatar": null },
            "flags": flags(it.privileged), "bot": self.user_json(bot),
        })
    }
}

/// The application's flags for its privileged intents (the "limited" ones, of applications in less than 100 guilds).
pub fn flags(privileged: u64) -> u64 {
    let pairs = [(1 << 8, 1 << 13), (1 << 1, 1 << 15), (1 << 15, 1 << 19)];
    pairs.iter().filter(|(intent, _)| privileged & intent != 0).map(|(_, flag)| flag).sum()
}
