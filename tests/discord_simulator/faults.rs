//! Requests that fail, and limits.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn requests_meet_faults_and_limits() {
    let House { discord, bot, channel, .. } = house().await;
    let (client, place) = (http(&discord), ChannelId::new(channel));
    discord.fail("POST", "/messages$", 1, Fault::RateLimited { retry_after: 1.5, global: false });
    // The library cannot read Discord's 429, and loses how long to wait.
    assert_eq!(refusal(place.say(&client, "a").await), (429, -1));
    discord.fail("POST", "/messages$", 1, Fault::Status(502));
    assert_eq!(refusal(place.say(&client, "b").await).0, 502);
    discord.fail("POST", "/messages$", 1, Fault::Reset);
    assert!(matches!(place.say(&client, "c").await, Err(serenity::Error::Http(HttpError::Request(_)))));
    assert!(discord.seen(channel).is_empty());
    let again =
        || CreateMessage::new().content("d").nonce(Nonce::String("n-1".to_owned())).enforce_nonce(true);
    discord.fail("POST", "/messages$", 1, Fault::DoneButSilent);
    place.send_message(&client, again()).await.unwrap_err();
    let sent = place.send_message(&client, again()).await.unwrap();
    assert_eq!(discord.seen(channel).len(), 1);
    assert_eq!(discord.creations(), [("n-1".to_owned(), 1)]);
    sent.delete(&client).await.unwrap();
    assert_eq!(refusal(place.send_message(&client, again()).await), (404, 10_008));
    let gate = discord.gate("POST", "/messages$");
    let (held, there) = (http(&discord), place);
    let waiting = tokio::spawn(async move { there.say(&held, "e").await });
    discord.until("a request at the gate", |_| gate.arrived() == 1).await;
    assert_eq!(discord.shown(channel).len(), 0);
    gate.open();
    waiting.await.unwrap().unwrap();
    let long = json!({ "content": "x".repeat(2_001) });
    assert_eq!(refusal(client.send_message(place, vec![], &long).await), (400, 50_035));
    assert_eq!(refusal(place.say(&client, "  ").await), (400, 50_006));
    discord.deny(bot, channel, permission::SEND_MESSAGES);
    assert_eq!(refusal(place.say(&client, "f").await), (403, 50_013));
    discord.allow(bot, channel);
    discord.limits(true);
    discord.limit("message-create", 2, Duration::from_secs(60));
    let other = ChannelId::new(discord.dm(discord.user("Kim"), bot));
    for _ in 0..2 {
        other.say(&client, "g").await.unwrap();
    }
    assert_eq!(refusal(other.say(&client, "h").await).0, 429);
    let last = discord.journal().pop().unwrap();
    assert_eq!((last.status, last.bot), (Some(429), Some(bot)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_client_asked_for_is_done() {
    let House { discord, channel, robin, .. } = house().await;
    let socket = identify(&discord, "?v=10", json!({ "intents": 1 << 9 })).await;
    discord.until_online(1).await;
    discord.latency(Duration::from_millis(20), Duration::from_secs(60));
    let (client, place) = (http(&discord), ChannelId::new(channel));
    let asking = tokio::spawn(async move { place.say(&client, "my last words").await });
    discord.until("the message", |it| it.shown(channel).len() == 1).await;
    asking.abort();
    drop(socket);
    discord.until("the connection's end", |it| it.online() == 0).await;
    discord.latency(Duration::ZERO, Duration::ZERO);
    discord.say(robin, channel, "are you there?");
    let mut running = connect(&discord, GatewayIntents::all()).await;
    discord.until_online(1).await;
    discord.say(robin, channel, "are you back?");
    assert_eq!(running.message().await.content, "are you back?");
    assert_eq!((discord.identifies(), discord.sessions().len()), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_tell_of_their_bucket() {
    let House { discord, channel, .. } = house().await;
    discord.limits(true);
    discord.limit("typing", 1, Duration::from_secs(60));
    let url = format!("{}/api/v10/channels/{channel}/typing", discord.url());
    // Another test may have done it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::new();
    let ask = |token: &'static str| client.post(&url).header("authorization", token).send();
    assert_eq!(ask("Bot nobody").await.unwrap().status(), 401);
    let token: &'static str = Box::leak(format!("Bot {TOKEN}").into_boxed_str());
    let first = ask(token).await.unwrap();
    assert_eq!(
        (first.status().as_u16(), &first.headers()["x-ratelimit-remaining"]),
        (204, &"0".parse().unwrap())
    );
    let second = ask(token).await.unwrap();
    let wait: u64 = second.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert_eq!(
        (second.status().as_u16(), second.headers()["x-ratelimit-bucket"].to_str().unwrap()),
        (429, "typing")
    );
    let body: Value = serde_json::from_slice(&second.bytes().await.unwrap()).unwrap();
    assert!(wait <= 60 && body["retry_after"].as_f64().unwrap() > 50.0 && body["global"] == json!(false));
    assert_eq!(discord.typing(channel).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_can_step_in_between_a_request_and_its_answer() {
    let House { discord, channel, robin, .. } = house().await;
    let place = ChannelId::new(channel);
    discord.after("POST", "/messages$", move |it| {
        it.say(robin, channel, "in between");
    });
    place.say(&http(&discord), "first").await.unwrap();
    let texts: Vec<String> = discord.seen(channel).into_iter().map(|it| it.text).collect();
    assert_eq!(texts, ["first", "in between"]);
}
