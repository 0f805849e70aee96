//! What people say and what the bot says, as itself and with faces.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn messages_go_both_ways() {
    let (House { discord, bot, channel, robin, .. }, mut running) = online().await;
    let said = discord.say(robin, channel, &format!("{} hello", mention(bot)));
    let heard = running.message().await;
    assert_eq!((heard.id.get(), heard.mentions.len(), heard.guild_id.is_some()), (said, 1, true));
    let place = ChannelId::new(channel);
    place.broadcast_typing(&running.http).await.unwrap();
    let answer = CreateMessage::new().content("  hi there ").reference_message(&heard);
    let mut sent = place.send_message(&running.http, answer).await.unwrap();
    sent.edit(&running.http, EditMessage::new().content("hi, Robin")).await.unwrap();
    let seen = discord.message(sent.id.get());
    assert_eq!((seen.text.as_str(), seen.reply_to, seen.edits.len()), ("hi, Robin", Some(said), 1));
    assert_eq!(discord.typing(channel).len(), 1);
    assert_eq!(seen.pings, [robin]);
    sent.react(&running.http, ReactionType::Unicode("👍".to_owned())).await.unwrap();
    discord.react(robin, sent.id.get(), "❤️");
    let by_robin = |event| match event {
        Event::ReactionAdd(it) if it.reaction.user_id.is_some_and(|it| it.get() == robin) => {
            Some(it.reaction)
        }
        _ => None,
    };
    let reaction = running.next(by_robin).await;
    assert_eq!(reaction.message_author_id.unwrap().get(), bot);
    assert_eq!(discord.message(sent.id.get()).reactions[0], ("👍".to_owned(), vec![bot]));
    sent.delete(&running.http).await.unwrap();
    assert!(discord.message(sent.id.get()).deleted && discord.shown(channel).is_empty());
    discord.edit(robin, said, "never mind");
    let edited = running.next(|event| match event {
        Event::MessageUpdate(it) if it.id.get() == said => it.content,
        _ => None,
    });
    assert_eq!(edited.await, "never mind");
    discord.delete(said);
    let deleted = running.next(|event| match event {
        Event::MessageDelete(it) if it.message_id.get() == said => Some(it.channel_id.get()),
        _ => None,
    });
    assert_eq!(deleted.await, channel);
    assert!(discord.journal().iter().all(|it| discord.url().ends_with(&it.host)));
}

#[tokio::test(flavor = "multi_thread")]
async fn private_talks_threads_posts_and_what_is_attached_arrive() {
    let (House { discord, bot, guild, channel, robin }, mut running) = online().await;
    let dm = discord.dm(robin, bot);
    discord.say(robin, dm, "psst");
    assert!(running.message().await.guild_id.is_none());
    let more = Say {
        attachments: vec![("cat.png".to_owned(), "image/png".to_owned(), 7)],
        stickers: vec!["wave".to_owned()],
        ..Say::default()
    };
    let shown = discord.say_with(robin, channel, "look", &more);
    let heard = running.message().await;
    assert_eq!((heard.attachments[0].filename.as_str(), heard.sticker_items.len()), ("cat.png", 1));
    assert!(heard.attachments[0].url.starts_with(&discord.url()));
    discord.say_with(robin, channel, "", &Say::forward(shown));
    assert_eq!(running.message().await.message_snapshots[0].content, "look");
    discord.reply(robin, shown, "and this");
    assert_eq!(running.message().await.referenced_message.unwrap().content, "look");
    let thread = discord.thread_at(robin, shown, "cats");
    assert_eq!(thread, shown);
    let forum = discord.forum(guild, "questions");
    let post = discord.post(robin, forum, "why?", "because");
    let opened = running.next(|event| match event {
        Event::ThreadCreate(it) if it.thread.id.get() == post => Some(it.thread),
        _ => None,
    });
    assert_eq!(opened.await.parent_id.unwrap().get(), forum);
    let first = running.next(|event| match event {
        Event::MessageCreate(it) if it.message.content == "because" => Some(it.message),
        _ => None,
    });
    assert_eq!(first.await.id.get(), post);
    ChannelId::new(post).say(&running.http, "indeed").await.unwrap();
    assert_eq!(discord.shown(post)[0].text, "indeed");
    assert_eq!(refusal(ChannelId::new(forum).say(&running.http, "x").await), (400, 50_008));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_intent_content_is_told_only_to_whom_it_concerns() {
    let House { discord, bot, channel, robin, .. } = house().await;
    discord.grant_intents(bot, 0);
    let intents = GatewayIntents::non_privileged();
    let mut running = connect(&discord, intents).await;
    discord.until_online(1).await;
    discord.say(robin, channel, "a secret");
    discord.say(robin, channel, &format!("{} a word", mention(bot)));
    discord.say(robin, discord.dm(robin, bot), "in private");
    ChannelId::new(channel).say(&running.http, "my own").await.unwrap();
    let mut heard = Vec::new();
    for _ in 0..4 {
        heard.push(running.message().await.content);
    }
    heard.sort();
    let mut expected =
        [String::new(), format!("{} a word", mention(bot)), "in private".into(), "my own".into()];
    expected.sort();
    assert_eq!(heard, expected);
    assert_eq!(discord.sessions()[0].1, intents.bits());
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_wear_faces() {
    let (House { discord, bot, guild, channel, robin }, mut running) = online().await;
    let place = ChannelId::new(channel);
    let hook = place.create_webhook(&running.http, CreateWebhook::new("cast")).await.unwrap();
    let listed = &place.webhooks(&running.http).await.unwrap()[0];
    assert_eq!((listed.id, listed.token.is_some()), (hook.id, true));
    let speak = |text: &str| {
        let url = format!("{}/elena.png", discord.url());
        ExecuteWebhook::new().content(text).username("Elena").avatar_url(url)
    };
    let said = hook.execute(&running.http, true, speak("the tide")).await.unwrap().unwrap();
    let heard = running.message().await;
    assert_eq!((heard.webhook_id, heard.author.name.as_str()), (Some(hook.id), "Elena"));
    let change = EditWebhookMessage::new().content("the tide is out");
    hook.edit_message(&running.http, said.id, change).await.unwrap();
    let seen = &discord.shown(channel)[0];
    assert_eq!(
        (seen.name.as_str(), seen.text.as_str(), seen.webhook),
        ("Elena", "the tide is out", Some(hook.id.get()))
    );
    discord.react(robin, said.id.get(), "👍");
    let reaction = running.next(|event| match event {
        Event::ReactionAdd(it) => Some(it.reaction),
        _ => None,
    });
    assert_eq!(reaction.await.message_id, said.id);
    let thread = discord.thread(channel, "tides");
    hook.execute(&running.http, false, speak("here").in_thread(ChannelId::new(thread))).await.unwrap();
    assert_eq!(discord.shown(thread)[0].name, "Elena");
    hook.delete_message(&running.http, None, said.id).await.unwrap();
    assert!(discord.shown(channel).iter().all(|it| it.webhook.is_none()));
    discord.deny(bot, guild, permission::MANAGE_WEBHOOKS);
    assert_eq!(refusal(place.create_webhook(&running.http, CreateWebhook::new("more")).await), (403, 50_013));
    assert_eq!(refusal(place.webhooks(&running.http).await), (403, 50_013));
    assert!(running.manager.shards_instantiated().await.len() == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn moderators_and_previews_are_heard_of() {
    let (House { discord, bot, guild, channel, robin }, mut running) = online().await;
    let link = discord.say(robin, channel, "https://example.org");
    discord.unfurl(link, json!({ "type": "link", "title": "Example" }));
    let update = running.next(|event| match event {
        Event::MessageUpdate(it) if it.id.get() == link => Some(it),
        _ => None,
    });
    let update = update.await;
    assert_eq!((update.embeds.unwrap().len(), update.edited_timestamp), (1, None));
    discord.react(robin, link, "👍");
    discord.clear_reactions(link);
    running.next(|event| matches!(event, Event::ReactionRemoveAll(_)).then_some(())).await;
    discord.delete_many(&[link]);
    let gone = running.next(|event| match event {
        Event::MessageDeleteBulk(it) => Some(it.ids.len()),
        _ => None,
    });
    assert_eq!(gone.await, 1);
    discord.remove_channel(channel);
    running.next(|event| matches!(event, Event::ChannelDelete(_)).then_some(())).await;
    assert_eq!(refusal(ChannelId::new(channel).say(&running.http, "x").await), (404, 10_003));
    discord.leave(bot, guild);
    running.next(|event| matches!(event, Event::GuildDelete(_)).then_some(())).await;
    discord.join(bot, guild);
    running.next(|event| matches!(event, Event::GuildCreate(_)).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cannot_be_read_does_not_stop_the_others() {
    let (House { discord, bot, channel, robin, .. }, mut running) = online().await;
    discord.raw_event(bot, "MESSAGE_CREATE", &json!({ "id": "not a message" }));
    discord.say(robin, channel, "still here?");
    assert_eq!(running.message().await.content, "still here?");
    assert_eq!(discord.resumes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_can_be_read_in_pages() {
    let House { discord, bot, channel, robin, .. } = house().await;
    let said: Vec<Id> = (0..7).map(|it| discord.say(robin, channel, &it.to_string())).collect();
    discord.delete(said[5]);
    let (client, place) = (http(&discord), ChannelId::new(channel));
    let page = |what: GetMessages| {
        let client = &client;
        async move {
            let found = place.messages(client, what.limit(3)).await.unwrap();
            found.into_iter().map(|it| it.id.get()).collect::<Vec<_>>()
        }
    };
    assert_eq!(page(GetMessages::new()).await, [said[6], said[4], said[3]]);
    assert_eq!(page(GetMessages::new().after(said[1])).await, [said[4], said[3], said[2]]);
    assert_eq!(page(GetMessages::new().before(said[3])).await, [said[2], said[1], said[0]]);
    assert_eq!(page(GetMessages::new().around(said[2])).await, [said[3], said[2], said[1]]);
    assert_eq!(place.message(&client, said[2]).await.unwrap().content, "2");
    assert_eq!(refusal(place.message(&client, said[5]).await), (404, 10_008));
    discord.deny(bot, channel, permission::VIEW_CHANNEL);
    assert_eq!(refusal(place.message(&client, said[2]).await), (403, 50_001));
}

#[tokio::test(flavor = "multi_thread")]
async fn places_and_people_can_be_looked_up() {
    let House { discord, bot, guild, channel, robin } = house().await;
    let client = http(&discord);
    let role = discord.role(guild, "keeper");
    discord.give_role(robin, guild, role);
    discord.nick(robin, guild, "Rob");
    let home = GuildId::new(guild);
    let member = home.member(&client, robin).await.unwrap();
    assert_eq!((member.nick.as_deref(), member.roles[0].get()), (Some("Rob"), role));
    assert!(home.roles(&client).await.unwrap().contains_key(&role.into()));
    assert_eq!(home.channels(&client).await.unwrap()[&channel.into()].name, "kitchen");
    assert_eq!(home.to_partial_guild(&client).await.unwrap().name, "house");
    assert_eq!(ChannelId::new(channel).to_channel(&client).await.unwrap().guild().unwrap().guild_id, home);
    let user = UserId::new(robin).to_user(&client).await.unwrap();
    let private = user.create_dm_channel(&client).await.unwrap();
    assert_eq!(private.id.get(), discord.dm(robin, bot));
    discord.block(robin);
    assert_eq!(refusal(private.id.say(&client, "hello?").await), (403, 50_007));
    let file = CreateMessage::new().add_file(CreateAttachment::bytes(b"abc".as_slice(), "note.txt"));
    let sent = ChannelId::new(channel).send_message(&client, file.content("see")).await.unwrap();
    assert_eq!((sent.attachments[0].filename.as_str(), sent.attachments[0].size), ("note.txt", 3));
    assert_eq!((sent.content.as_str(), discord.shown(channel).len()), ("see", 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_bots_hear_each_other() {
    let discord = Discord::start().await;
    discord.bot(TOKEN, "wire");
    let other = discord.bot("other-token", "other");
    let channel = discord.channel(discord.guild("house"), "kitchen");
    let mut running = connect(&discord, GatewayIntents::all()).await;
    discord.until_online(1).await;
    let client = HttpBuilder::new("other-token").proxy(discord.url()).ratelimiter_disabled(true).build();
    ChannelId::new(channel).say(&client, "good morning").await.unwrap();
    let heard = running.message().await;
    assert_eq!((heard.author.id.get(), heard.author.bot, heard.nonce.is_none()), (other, true, true));
}
